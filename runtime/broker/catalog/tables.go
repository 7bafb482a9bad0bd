package catalog

type amounts struct{ queues, shovels int }

// Amazon MQ Developer Guide, "Sizing guidelines", with the columns of mq.m5 as they
// are meant: two of them are printed in each other's place. It has no row for
// mq.t3.micro: those are the limits at its creation, and the vhosts and shovels of
// the smallest mq.m7g.
var maxima = map[string]struct {
	connections, vhosts int
	single, cluster     amounts
}{
	micro:             {500, 10, amounts{500, 150}, amounts{}},
	"mq.m5.large":     {5000, 1500, amounts{30000, 250}, amounts{10000, 150}},
	"mq.m5.xlarge":    {10000, 1500, amounts{60000, 500}, amounts{15000, 300}},
	"mq.m5.2xlarge":   {20000, 1500, amounts{120000, 1000}, amounts{20000, 600}},
	"mq.m5.4xlarge":   {40000, 1000, amounts{240000, 2000}, amounts{30000, 1200}},
	"mq.m7g.medium":   {300, 10, amounts{2500, 150}, amounts{500, 50}},
	"mq.m7g.large":    {5000, 1500, amounts{20000, 250}, amounts{10000, 150}},
	"mq.m7g.xlarge":   {10000, 1500, amounts{30000, 500}, amounts{15000, 300}},
	"mq.m7g.2xlarge":  {20000, 1500, amounts{40000, 1000}, amounts{20000, 600}},
	"mq.m7g.4xlarge":  {40000, 1500, amounts{60000, 2000}, amounts{30000, 1200}},
	"mq.m7g.8xlarge":  {80000, 1500, amounts{80000, 4000}, amounts{40000, 2400}},
	"mq.m7g.12xlarge": {120000, 1500, amounts{100000, 6000}, amounts{50000, 3600}},
	"mq.m7g.16xlarge": {160000, 1500, amounts{120000, 8000}, amounts{60000, 4800}},
}

type resources struct{ connections, channels, queues, exchanges, shovels int }

// What RabbitMQ 4 has when nothing is configured. Amazon MQ Developer Guide,
// "Sizing guidelines", resource limits of RabbitMQ 4.
var defaults = map[string]struct {
	vhosts          int
	single, cluster resources
}{
	"mq.m7g.medium":   {10, resources{100, 500, 500, 500, 30}, resources{100, 300, 100, 100, 10}},
	"mq.m7g.large":    {50, resources{1500, 4500, 1000, 1000, 50}, resources{500, 1500, 1000, 1000, 30}},
	"mq.m7g.xlarge":   {100, resources{3000, 9000, 2000, 2000, 100}, resources{1000, 3000, 2000, 2000, 60}},
	"mq.m7g.2xlarge":  {150, resources{6000, 18000, 4000, 4000, 200}, resources{2000, 6000, 4000, 4000, 120}},
	"mq.m7g.4xlarge":  {200, resources{12000, 36000, 8000, 8000, 400}, resources{4000, 12000, 8000, 8000, 240}},
	"mq.m7g.8xlarge":  {250, resources{24000, 72000, 16000, 16000, 800}, resources{8000, 24000, 16000, 16000, 480}},
	"mq.m7g.12xlarge": {300, resources{36000, 108000, 24000, 24000, 1200}, resources{12000, 36000, 24000, 24000, 720}},
	"mq.m7g.16xlarge": {350, resources{48000, 144000, 32000, 32000, 1600}, resources{16000, 48000, 32000, 32000, 960}},
}

// What brokers are born with. Amazon MQ Developer Guide, "Broker defaults". The
// mq.m5 rows are those of mq.m7g of the same size.
var births = map[string]struct {
	single, cluster VirtualHost
	maxLength       int
}{
	micro:             {VirtualHost{500, 500}, VirtualHost{}, 0},
	"mq.m5.large":     {VirtualHost{20000, 4000}, VirtualHost{4000, 15000}, 8000000},
	"mq.m5.xlarge":    {VirtualHost{30000, 8000}, VirtualHost{5000, 20000}, 9000000},
	"mq.m5.2xlarge":   {VirtualHost{60000, 15000}, VirtualHost{6000, 40000}, 10000000},
	"mq.m5.4xlarge":   {VirtualHost{150000, 30000}, VirtualHost{10000, 100000}, 12000000},
	"mq.m7g.medium":   {VirtualHost{100, 100}, VirtualHost{100, 100}, 500000},
	"mq.m7g.large":    {VirtualHost{20000, 4000}, VirtualHost{4000, 15000}, 8000000},
	"mq.m7g.xlarge":   {VirtualHost{30000, 8000}, VirtualHost{5000, 20000}, 9000000},
	"mq.m7g.2xlarge":  {VirtualHost{60000, 15000}, VirtualHost{6000, 40000}, 10000000},
	"mq.m7g.4xlarge":  {VirtualHost{150000, 30000}, VirtualHost{10000, 100000}, 12000000},
	"mq.m7g.8xlarge":  {VirtualHost{260000, 60000}, VirtualHost{20000, 200000}, 20000000},
	"mq.m7g.12xlarge": {VirtualHost{280000, 90000}, VirtualHost{30000, 300000}, 30000000},
	"mq.m7g.16xlarge": {VirtualHost{300000, 120000}, VirtualHost{40000, 400000}, 40000000},
}

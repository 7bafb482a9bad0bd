package rabbitmq

import (
	"strconv"

	"millrace/runtime/broker/catalog"
)

// cluster sets how the nodes of a cluster find each other at their first start. Later they
// know each other, and wait for each other as long as it takes.
func (r *renderer) cluster(c *conf) {
	if r.Mode != catalog.Cluster {
		return
	}
	c.section("The cluster. A node that sees no other stops serving, so that there is one truth.")
	c.set("cluster_formation.peer_discovery_backend", "classic_config")
	for n := range r.Nodes {
		c.set("cluster_formation.classic_config.nodes."+strconv.Itoa(n+1), r.erlangName(n))
	}
	// The first node waits for others to join, and none runs yet: one second will do.
	c.set("cluster_formation.discovery_retry_limit", "10")
	c.set("cluster_formation.discovery_retry_interval", "100")
	c.set("cluster_formation.target_cluster_size_hint", strconv.Itoa(len(r.Nodes)))
	c.set("cluster_partition_handling", "pause_minority")
}

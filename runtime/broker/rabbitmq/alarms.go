package rabbitmq

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"millrace/runtime/broker"
)

// allAlarmsCheck is of all nodes of a cluster.
const allAlarmsCheck = "/api/health/checks/alarms"

// Alarms implements engine.Control. Of a broker whose first user cannot log in anymore,
// nobody knows.
func (c *control) Alarms(ctx context.Context) ([]broker.Action, error) {
	err := c.api.call(ctx, http.MethodGet, allAlarmsCheck, nil, nil)
	var answer *status
	if err == nil || !errors.As(err, &answer) || len(answer.alarms) == 0 {
		return nil, err
	}
	var found []broker.Action
	for _, resource := range answer.alarms {
		if a, ok := alarms[resource]; ok && !slices.Contains(found, a) {
			found = append(found, a)
		}
	}
	slices.SortFunc(found, func(a, b broker.Action) int { return strings.Compare(a.Code, b.Code) })
	return found, nil
}

// alarms are those of Amazon MQ Developer Guide, "Troubleshooting: RabbitMQ on Amazon MQ",
// by what RabbitMQ is short of.
var alarms = map[string]broker.Action{
	"memory":     broker.Fault{Code: broker.MemoryAlarm}.Action(),
	"disk space": broker.Fault{Code: broker.DiskAlarm}.Action(),
}

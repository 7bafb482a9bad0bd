// Package target has the targets of deliveries that need no service of their own:
// queues, HTTP endpoints, and functions of this process. Each passes deliverytest.
package target

package main

import (
	"fmt"
	"io"
	"time"

	"millrace/runtime/store/loss"
)

// printLosses lists what is missing, a paragraph each. It prints nothing when
// all is well.
func printLosses(w io.Writer, losses []loss.Loss) {
	for i, l := range losses {
		if i == 0 {
			fmt.Fprintf(w, "\n%d found missing or damaged (see runtime doctor):\n", len(losses))
		}
		fmt.Fprintf(w, "\n%s %s\n  %s\n", l.Kind, l.Name, l.What)
		if l.Entries != "" {
			fmt.Fprintf(w, "  entries of the log: %s\n", l.Entries)
		}
		if l.Messages > 0 && l.Numbers != "" {
			fmt.Fprintf(w, "  messages, in the order they were sent: %s\n", l.Numbers)
		}
		fmt.Fprintf(w, "  found %s\n", l.Found.Local().Format(time.DateTime))
	}
}

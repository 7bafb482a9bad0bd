package function

import (
	"os"
	"strings"
)

// bootName is the machine's boot ID without dashes, new with each boot; "" if the system
// has none (man 5 proc_sys_kernel, boot_id).
func bootName() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(strings.TrimSpace(string(id)), "-", "")
}

package function

import (
	"os"
	"strings"
)

// bootName names the present boot of the machine, a new one each time; "" when
// the system does not tell (man 5 proc_sys_kernel, boot_id).
func bootName() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(strings.TrimSpace(string(id)), "-", "")
}

package driver

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"strings"
	"unicode/utf8"

	"millrace/runtime/fault"
)

const maxName = 50

// Validate reports what is wrong with a node, as a fault.Invalid: its name becomes
// that of a folder and a container.
func (n Node) Validate() error {
	if err := ValidateName(n.Name); err != nil {
		return err
	}
	if n.Render == nil {
		return fault.New(fault.Invalid, "node %s renders nothing", n.Name)
	}
	if err := n.validateMembers(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, p := range n.Ports {
		if p.Name == "" || seen[p.Name] || p.Inside == 0 {
			return fault.New(fault.Invalid, "node %s: each port has a name of its own and a number inside", n.Name)
		}
		if !p.Public.IsValid() || p.Public.Port() == 0 {
			return fault.New(fault.Invalid, "node %s: port %s has no address", n.Name, p.Name)
		}
		if p.Shared && (n.Members == nil || !p.Private) {
			return fault.New(fault.Invalid, "node %s: port %s is shared, which only private ports of members are", n.Name, p.Name)
		}
		seen[p.Name] = true
	}
	return nil
}

func (n Node) validateMembers() error {
	if n.Members == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, m := range n.Members {
		if err := ValidateName(m); err != nil {
			return err
		}
		if seen[m] {
			return fault.New(fault.Invalid, "node %s: the member %s is listed twice", n.Name, m)
		}
		seen[m] = true
	}
	if !seen[n.Name] {
		return fault.New(fault.Invalid, "node %s is not among the members of its cluster", n.Name)
	}
	return nil
}

// ValidateName reports as a fault.Invalid that a name is not one of a node.
func ValidateName(name string) error {
	bad := strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	}) >= 0
	if bad || name == "" || len(name) > maxName || name[0] == '-' {
		return fault.New(fault.Invalid, "%.60q is not a name of a node: a-z, 0-9 and -, %d at most", name, maxName)
	}
	return nil
}

// Validate reports as a fault.Invalid what cannot be launched: files outside the
// folders of the place, and text that would end early in a system call.
func (l Launch) Validate(p Place) error {
	for _, f := range l.Files {
		if !p.has(f.Path) {
			return fault.New(fault.Invalid, "file %.200q is outside the folders of its node", f.Path)
		}
		if f.Mode&^0o777 != 0 || f.Mode == 0 {
			return fault.New(fault.Invalid, "file %.200q: mode %v is not one of permissions", f.Path, f.Mode)
		}
	}
	for _, e := range l.Env {
		name, _, ok := strings.Cut(e, "=")
		if !ok || name == "" || strings.ContainsRune(e, 0) {
			return fault.New(fault.Invalid, "the environment has a bad entry: %.60q", name)
		}
	}
	for _, command := range [][]string{l.Command, l.Companion} {
		for i, arg := range command {
			if strings.ContainsRune(arg, 0) || i == 0 && arg == "" {
				return fault.New(fault.Invalid, "the command has a bad argument")
			}
		}
	}
	return nil
}

// has reports whether a path is of a file below one of the place's folders. What
// links there lead to is for whoever writes the file.
func (p Place) has(name string) bool {
	if path.Clean(name) != name || strings.ContainsRune(name, 0) || !utf8.ValidString(name) {
		return false
	}
	for _, folder := range []string{p.Config, p.Data, p.Logs, p.Home} {
		if folder != "" && strings.HasPrefix(name, strings.TrimSuffix(folder, "/")+"/") {
			return true
		}
	}
	return false
}

// Hash says what runs: the same for the same launch of the same software on the same
// ports, in the same cluster. Files that are marked as Seed do not count.
func (l Launch) Hash(n Node, s Software) string {
	l.Files = append([]File(nil), l.Files...)
	for i := range l.Files {
		if l.Files[i].Seed {
			l.Files[i].Contents = nil
		}
	}
	all := []any{l, n.Ports, s.Source, s.Version}
	if n.Members != nil { // what was launched alone keeps its hash
		all = append(all, n.Members)
	}
	h := sha256.New()
	// It cannot fail: all of it is strings, bytes and numbers.
	json.NewEncoder(h).Encode(all)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

const (
	lastLines = 12
	lastBytes = 2000
)

// LastLines is the end of a log as errors have it: a few lines, without control
// characters.
func LastLines(log []byte) string {
	text := strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r == utf8.RuneError:
			return -1
		}
		return r
	}, string(log))
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimRight(line, " "); line != "" {
			lines = append(lines, line)
		}
	}
	lines = lines[max(0, len(lines)-lastLines):]
	text = strings.Join(lines, "\n")
	if len(text) > lastBytes {
		text = "…" + strings.ToValidUTF8(text[len(text)-lastBytes:], "")
	}
	return text
}

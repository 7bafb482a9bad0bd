package pattern

import (
	"net/netip"
	"strings"
)

func text(is func(string) bool) matcher {
	return func(leaf Value) bool { return leaf.kind == ofText && is(leaf.text) }
}

// textOperator reads the operators that take one text; wildcard is the last of them.
func (c *compiler) textOperator(op string, n *node) (matcher, error) {
	s, ok := n.value.(string)
	if !ok {
		return nil, c.refuse(n.read(), "%s match pattern must be a string", op)
	}
	switch op {
	case "exactly":
		return text(func(v string) bool { return v == s }), nil
	case "prefix":
		return text(func(v string) bool { return strings.HasPrefix(v, s) }), nil
	case "suffix":
		return text(func(v string) bool { return strings.HasSuffix(v, s) }), nil
	case "equals-ignore-case":
		return text(func(v string) bool { return strings.EqualFold(v, s) }), nil
	}
	w, reason := compileWildcard(s)
	if reason != "" {
		return nil, c.refuse(n.end, "%s", reason)
	}
	return text(w.match), nil
}

// foldedText reads a prefix or suffix in any case.
func (c *compiler) foldedText(op *member) (matcher, error) {
	if len(op.members) != 1 {
		return nil, c.refuse(op.end, "Only one key allowed in match expression")
	}
	inner := &op.members[0]
	s, ok := inner.value.(string)
	if !ok || inner.key != "equals-ignore-case" {
		return nil, c.refuse(inner.read(), "%s match pattern must be a string", op.key)
	}
	s = strings.ToLower(s)
	if op.key == "prefix" {
		return text(func(v string) bool { return strings.HasPrefix(strings.ToLower(v), s) }), nil
	}
	return text(func(v string) bool { return strings.HasSuffix(strings.ToLower(v), s) }), nil
}

// cidr reads a block of addresses. Its refusals come without a position.
func (c *compiler) cidr(n *node) (matcher, error) {
	s, ok := n.value.(string)
	if !ok {
		return nil, c.refuse(n.read(), "cidr match pattern must be a string")
	}
	ip, mask, ok := strings.Cut(s, "/")
	if !ok || strings.Contains(mask, "/") {
		return nil, refuse("Malformed CIDR, one '/' required")
	}
	if _, err := netip.ParseAddr(ip); err != nil {
		return nil, refuse("Nonstandard IP address: %s", ip)
	}
	block, err := netip.ParsePrefix(s)
	if err != nil {
		return nil, refuse("Malformed CIDR, mask bits must be an integer")
	}
	return text(func(v string) bool {
		ip, err := netip.ParseAddr(v)
		return err == nil && block.Contains(ip)
	}), nil
}

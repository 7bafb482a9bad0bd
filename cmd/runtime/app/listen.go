package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"syscall"
)

// listen opens the port. An error says what kept it closed, and what to do.
func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w (%s)", address, err, remedy(err))
	}
	return l, nil
}

// remedy is what to do about an error of net.Listen.
func remedy(err error) string {
	var host *net.DNSError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "is another runtime running? choose another address with --listen"
	case errors.Is(err, fs.ErrPermission):
		return "this user may not listen there; ports from 1024 on are for everybody: choose one with --listen"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "no interface of this machine has that address; 127.0.0.1 is always there"
	case errors.As(err, &host) && host.IsNotFound:
		return "there is no such host or port; --listen takes host:port, as in 127.0.0.1:4566"
	}
	return "--listen takes host:port, as in 127.0.0.1:4566"
}

// warnOfStrangers says what it means to listen beyond loopback.
func warnOfStrangers(log *slog.Logger, address net.Addr) {
	if tcp, ok := address.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		log.Warn("listening beyond loopback: nothing is asked of callers, so whoever reaches this address can deploy functions, that is, run code as the user that runs this process",
			"address", address.String())
	}
}

package main

import "github.com/alecthomas/kong"

type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command; all of them without it."`
}

// Run prints the help of a command, or what is wrong with its name.
func (c *helpCmd) Run(k *kong.Context) error {
	about, err := kong.Trace(k.Kong, c.Command)
	if err == nil {
		err = about.Error
	}
	if err != nil {
		return err
	}
	return about.PrintUsage(false)
}

// Package api is the parent of the generated packages, one for each of AWS's
// services: types, tables of operations, and the interfaces that services
// implement, all from the trimmed models in models and the options beside them.
package api

//go:generate go run millrace/cmd/apigen

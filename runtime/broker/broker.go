// Package broker is the brokers of Amazon MQ: their records and what AWS lets happen
// to them. What really runs is a [Runner]'s.
package broker

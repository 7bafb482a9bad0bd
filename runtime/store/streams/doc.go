// Package streams is what logs on JetStream have in common, whatever they are logs of: how
// acknowledgements read, how the leader of a stream is asked, and whether the next start
// would find what was acknowledged.
package streams

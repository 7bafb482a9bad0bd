package record

import "context"

// Rows counts what the mirror has, also of what is gone.
func (s *Store) Rows() int { return s.count() }

// Compare is what follows a lost connection.
func (s *Store) Compare(ctx context.Context) error { return s.compare(ctx) }

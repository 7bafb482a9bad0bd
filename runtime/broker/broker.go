// Package broker is the brokers of Amazon MQ: their records, and what AWS lets happen
// to them. What really runs is a [Runner]'s.
//
// Calls of the API write records ([Brokers], [Configurations]); a worker for each broker
// follows its record, and has the Runner do what it asks for. What may happen when, and
// what comes of it, is decided by a pure machine (life.go), which gets the time.
package broker

import (
	"slices"
	"time"

	"millrace/runtime/arn"
	"millrace/runtime/broker/catalog"
)

// A Broker is the record of a broker. The fields of its identity never change.
type Broker struct {
	ID, Name        string // "b-<uuid>"; the name is unique in an account and region
	Account, Region string
	Home            string // the runtime that runs it: Config.Home
	Created         time.Time

	Engine     catalog.Engine
	Mode       catalog.Mode
	Storage    catalog.Storage
	Public     bool
	Subnets    []string
	Encryption Encryption

	// Token is the creatorRequestId, and Asked a hash of what was asked with it. That is
	// sealed too: by the hash of a request, its password could be guessed.
	Token string
	Asked Sealed

	State     State
	Unplanned bool // REBOOT_IN_PROGRESS because it died: then nothing pending takes effect
	Settings  Settings
	Pending   SettingsChange // what the next reboot changes of Settings
	Waiting   time.Time      // since when something is pending
	History   []Revised

	AutoMinor bool
	Window    Window
	Moved     Moves

	Users []StoredUser // sorted by name

	// Instances, Software, Notes and Root are what the Runner said of the running broker.
	Instances []Instance
	Software  string
	Notes     []Action
	Root      []byte `json:",omitzero"` // PEM

	// Troubles are why the broker is in CREATION_FAILED or CRITICAL_ACTION_REQUIRED.
	Troubles []Action

	Faults []Fault // that it was asked to have

	Tags map[string]string // without millrace:engine, which is Software

	Key []byte // the data key that passwords are sealed with, wrapped by a KMS key
}

// A State is a broker's, as Amazon MQ spells it.
type State string

// The states.
const (
	Creating       State = "CREATION_IN_PROGRESS"
	CreationFailed State = "CREATION_FAILED"
	Deleting       State = "DELETION_IN_PROGRESS"
	Up             State = "RUNNING"
	Rebooting      State = "REBOOT_IN_PROGRESS"
	Critical       State = "CRITICAL_ACTION_REQUIRED"
)

// Encryption is what a broker's data is encrypted under at AWS. Here it is what its
// passwords are.
type Encryption struct {
	Owned bool   // a key of the service's own
	KeyID string // else a KMS key of the caller's; "" for the account's alias/aws/mq
}

// Settings are what of a broker changes by a reboot alone.
type Settings struct {
	Version        string // of the catalogue: "3.13"
	Instance       string // "mq.m7g.large"
	Configuration  Revised
	SecurityGroups []string
	StorageSize    int // of RabbitMQ clusters on 4.x, in GB; 0 for the catalogue's
	Strategy       catalog.Strategy
	LDAP           *LDAP
	Logs           Logs
}

// A SettingsChange is what is to become of Settings; nil leaves them as they are.
type SettingsChange struct {
	Version        *string
	Instance       *string
	Configuration  *Revised
	SecurityGroups *[]string
	StorageSize    *int
	Strategy       *catalog.Strategy
	LDAP           *LDAP
	Logs           *Logs
}

// Revised is a revision of a configuration.
type Revised struct {
	ID       string // "c-<uuid>"; "" for none
	Revision int    // from 1
}

// Logs are which logs go to CloudWatch.
type Logs struct{ General, Audit bool }

// LDAP is where ActiveMQ finds its users.
type LDAP struct {
	Hosts                                  []string
	UserBase, UserSearchMatching, UserRole string
	RoleBase, RoleSearchMatching, RoleName string
	UserSubtree, RoleSubtree               bool
	ServiceUser                            string
	Password                               Sealed
}

// Moves counts how often the maintenance window was moved before it next opens.
type Moves struct {
	N     int
	Until time.Time // when the count begins again
}

// ARN returns the broker's.
func (b *Broker) ARN() arn.ARN {
	return arn.New("mq", b.Region, b.Account, "broker:"+b.Name+":"+b.ID)
}

// Actions are what the owner of the broker has to do or to know: actionsRequired.
func (b *Broker) Actions() []Action { return slices.Concat(b.Troubles, b.stated(), b.Notes) }

// Uses reports whether a configuration is current or pending.
func (b *Broker) Uses(configuration string) bool {
	return b.Settings.Configuration.ID == configuration || b.Pending.Configuration != nil && b.Pending.Configuration.ID == configuration
}

// Next are the settings that the broker has after a reboot.
func (b *Broker) Next() Settings { return b.Settings.With(b.Pending) }

func (b *Broker) key() string { return b.Account + "/" + b.Region + "/" + b.ID }

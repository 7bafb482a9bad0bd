package notify

import (
	"math/bits"
	"strings"
)

// A Type is what happened to an object. 0 is none.
type Type uint8

// The types of events. Their numbers are stored: never change one, only add.
//
// The runtime causes those of created, removed and tagged objects. The others can be
// subscribed to, as on AWS, and never come.
const (
	ObjectCreatedPut                     Type = 1
	ObjectCreatedPost                    Type = 2
	ObjectCreatedCopy                    Type = 3
	ObjectCreatedCompleteMultipartUpload Type = 4
	ObjectRemovedDelete                  Type = 5
	ObjectRemovedDeleteMarkerCreated     Type = 6
	ObjectTaggingPut                     Type = 7
	ObjectTaggingDelete                  Type = 8
	ObjectACLPut                         Type = 9
	ObjectAnnotationPut                  Type = 10
	ObjectAnnotationDelete               Type = 11
	ObjectRetentionPut                   Type = 12
	ObjectRestorePost                    Type = 13
	ObjectRestoreCompleted               Type = 14
	ObjectRestoreDelete                  Type = 15
	LifecycleExpirationDelete            Type = 16
	LifecycleExpirationMarkerCreated     Type = 17
	LifecycleTransition                  Type = 18
	IntelligentTiering                   Type = 19
	ReplicationFailed                    Type = 20
	ReplicationNotTracked                Type = 21
	ReplicationMissedThreshold           Type = 22
	ReplicationAfterThreshold            Type = 23
	ReducedRedundancyLostObject          Type = 24

	types = 25 // one more than the last
)

// typeNames are the types as eventName of a message has them.
var typeNames = [types]string{
	ObjectCreatedPut:                     "ObjectCreated:Put",
	ObjectCreatedPost:                    "ObjectCreated:Post",
	ObjectCreatedCopy:                    "ObjectCreated:Copy",
	ObjectCreatedCompleteMultipartUpload: "ObjectCreated:CompleteMultipartUpload",
	ObjectRemovedDelete:                  "ObjectRemoved:Delete",
	ObjectRemovedDeleteMarkerCreated:     "ObjectRemoved:DeleteMarkerCreated",
	ObjectTaggingPut:                     "ObjectTagging:Put",
	ObjectTaggingDelete:                  "ObjectTagging:Delete",
	ObjectACLPut:                         "ObjectAcl:Put",
	ObjectAnnotationPut:                  "ObjectAnnotation:Put",
	ObjectAnnotationDelete:               "ObjectAnnotation:Delete",
	ObjectRetentionPut:                   "ObjectRetention:Put",
	ObjectRestorePost:                    "ObjectRestore:Post",
	ObjectRestoreCompleted:               "ObjectRestore:Completed",
	ObjectRestoreDelete:                  "ObjectRestore:Delete",
	LifecycleExpirationDelete:            "LifecycleExpiration:Delete",
	LifecycleExpirationMarkerCreated:     "LifecycleExpiration:DeleteMarkerCreated",
	LifecycleTransition:                  "LifecycleTransition",
	IntelligentTiering:                   "IntelligentTiering",
	ReplicationFailed:                    "Replication:OperationFailedReplication",
	ReplicationNotTracked:                "Replication:OperationNotTracked",
	ReplicationMissedThreshold:           "Replication:OperationMissedThreshold",
	ReplicationAfterThreshold:            "Replication:OperationReplicatedAfterThreshold",
	ReducedRedundancyLostObject:          "ReducedRedundancyLostObject",
}

// String is the type as eventName of a message has it: "ObjectCreated:Put"; "" for a
// number that stands for none.
func (t Type) String() string {
	if t >= types {
		return ""
	}
	return typeNames[t]
}

// A typeSet has the bit 1<<t for each type t in it.
type typeSet uint64

func (s typeSet) has(t Type) bool { return s>>t&1 != 0 }

// typesOf is what an event name of a configuration stands for: "s3:ObjectCreated:Put" for
// one type, "s3:ObjectCreated:*" for all of a family that has several. It is empty for a
// name that S3 does not know.
func typesOf(event string) (s typeSet) {
	name, ok := strings.CutPrefix(event, "s3:")
	if !ok || name == "" {
		return 0
	}
	family, all := strings.CutSuffix(name, "*")
	all = all && strings.HasSuffix(family, ":")
	for t, is := range typeNames {
		if is == name || all && strings.HasPrefix(is, family) {
			s |= 1 << t
		}
	}
	if all && bits.OnesCount64(uint64(s)) < 2 {
		return 0
	}
	return s
}

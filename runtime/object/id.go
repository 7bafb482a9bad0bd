package object

// An ID names a bucket: by its name, which all accounts and regions share, and by where it
// belongs.
type ID struct{ Account, Region, Name string }

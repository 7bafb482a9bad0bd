package docker

// DataID is what tells the containers of a data folder from others'.
func DataID(data string) string {
	d, err := New(Config{Data: data})
	if err != nil {
		panic(err)
	}
	defer d.Close()
	return d.data
}

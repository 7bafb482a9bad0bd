package awschunked_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"millrace/services/internal/awschunked"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// roundTripper is what an SDK's requests go to.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// decode reads the body of a request by its headers.
func decode(t *testing.T, r *http.Request, seed *awschunked.Seed) (string, map[string]string) {
	t.Helper()
	form := r.Header.Get("X-Amz-Content-Sha256")
	length, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil {
		t.Fatalf("a body of %q without its length: %v", form, err)
	}
	got, trailers, err := readAll(t, form, r.Body, awschunked.Options{Length: length, Seed: seed,
		Trailers: awschunked.TrailerNames(r.Header.Values("X-Amz-Trailer"))})
	if err != nil {
		t.Errorf("a body of %q: %v", form, err)
	}
	return got, trailers
}

// The SDK for Go sends a body that cannot be sought in this coding.
func TestBodiesOfTheGoSDK(t *testing.T) {
	for _, algorithm := range []types.ChecksumAlgorithm{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512"} { // it computes no other
		body := strings.Repeat("hello, aws-chunked\n", 10_000)
		name := "x-amz-checksum-" + strings.ToLower(string(algorithm))
		seen := false
		client := s3.New(s3.Options{
			Region:      "us-east-1",
			Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""),
			HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				seen = true
				got, trailers := decode(t, r, nil)
				if got != body || trailers[name] == "" {
					t.Errorf("%s: %d bytes and %q", algorithm, len(got), trailers)
				}
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
			})},
		})
		_, err := client.PutObject(context.Background(), &s3.PutObjectInput{
			Bucket: aws.String("bucket"), Key: aws.String("a key"), ChecksumAlgorithm: algorithm,
			Body: io.MultiReader(strings.NewReader(body)), ContentLength: aws.Int64(int64(len(body)))})
		if err != nil || !seen {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

// Requests of boto3 1.43.11 and minio-go 7.0.95, recorded 2026-11-27.
func TestRecordedBodies(t *testing.T) {
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) < 2 {
		t.Fatalf("recordings: %v, %v", files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			t.Fatal(err)
		}
		_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
		date := r.Header.Get("X-Amz-Date")
		seed := &awschunked.Seed{Key: signingKey("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", date[:8], "us-east-1"),
			Signature: signature, Date: date, Scope: date[:8] + "/us-east-1/s3/aws4_request"}
		if got, trailers := decode(t, r, seed); got != "hello, aws-chunked\n" {
			t.Errorf("%s: %q and %q", file, got, trailers)
		}
	}
}

# Keeps files in a bucket with s3cmd.
set -eu
host=${ENDPOINT#http://}
s3cmd() { command s3cmd --config /dev/null --no-ssl --host "$host" --host-bucket "$host" --access_key test --secret_key test --region us-east-1 --no-progress "$@"; }
want() { [[ $1 == "$2" ]] || { echo "line ${BASH_LINENO[0]}: got $1, want $2" >&2; exit 1; }; }

mkdir -p tree/sub
: >tree/empty
head -c 1024 /dev/urandom >tree/small
head -c 17000000 /dev/urandom >big # in parts
echo spaces >'tree/a b.txt'
echo letters >tree/sub/größe+日本.txt
echo signs >"tree/sub/50% (of) 'it' & so=on.txt"

s3cmd mb s3://mill >said
grep -q "Bucket 's3://mill/' created" said
s3cmd ls >said
grep -q ' s3://mill$' said
s3cmd put --multipart-chunk-size-mb 5 big s3://mill/big >said
s3cmd get s3://mill/big back >said
cmp big back
s3cmd info s3://mill/big >said
grep -q 'File size: 17000000' said
s3cmd put tree/small s3://mill/small --add-header x-amz-meta-kind:mill >said
s3cmd info s3://mill/small >said
grep -q 'x-amz-meta-kind: mill' said
grep -q "MD5 sum: *$(md5sum <tree/small | cut -d' ' -f1)" said
s3cmd cp s3://mill/small s3://mill/copied >said
s3cmd mv s3://mill/copied s3://mill/moved >said
s3cmd sync tree/ s3://mill/tree/ >said
want "$(s3cmd sync tree/ s3://mill/tree/)" '' # nothing has changed
s3cmd ls --recursive s3://mill/tree/ >said
want "$(wc -l <said)" 5
grep -q 's3://mill/tree/sub/größe+日本.txt$' said
mkdir again
s3cmd sync s3://mill/tree/ again/ >said
diff -r tree again
s3cmd du s3://mill >said
want "$(awk '{print $1, $2}' said)" '17003093 8'
s3cmd signurl s3://mill/small +60 >said
curl -sSf "$(cat said)" | cmp - tree/small
s3cmd del s3://mill/small s3://mill/moved >said
s3cmd del --recursive --force s3://mill/tree >said
want "$(s3cmd ls --recursive s3://mill | sed 's/^.* //')" s3://mill/big
s3cmd multipart s3://mill >said

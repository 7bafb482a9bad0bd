# Copies a tree to a bucket and back with rclone, which is told of the bucket by variables.
set -eu
unset AWS_CA_BUNDLE # of which some versions cannot make a client
export RCLONE_CONFIG=/dev/null RCLONE_CONFIG_MILL_TYPE=s3 RCLONE_CONFIG_MILL_PROVIDER=Other RCLONE_CONFIG_MILL_ENDPOINT=$ENDPOINT
export RCLONE_CONFIG_MILL_ACCESS_KEY_ID=test RCLONE_CONFIG_MILL_SECRET_ACCESS_KEY=test RCLONE_CONFIG_MILL_REGION=us-east-1
export RCLONE_S3_UPLOAD_CUTOFF=6M RCLONE_S3_CHUNK_SIZE=5M RCLONE_S3_COPY_CUTOFF=6M RCLONE_RETRIES=1 RCLONE_LOW_LEVEL_RETRIES=1
want() { [[ $1 == "$2" ]] || { echo "line ${BASH_LINENO[0]}: got $1, want $2" >&2; exit 1; }; }

mkdir -p tree/sub
: >tree/empty
head -c 1024 /dev/urandom >tree/small
head -c 17000000 /dev/urandom >tree/big # in parts
echo spaces >'tree/a b.txt'
echo letters >tree/sub/größe+日本.txt
echo signs >"tree/sub/50% (of) 'it' & so=on;~!.txt"

rclone mkdir mill:mill
want "$(rclone lsf mill:)" mill/
rclone copy tree mill:mill/tree
rclone check -q tree mill:mill/tree
rclone check -q --download tree mill:mill/tree
want "$(rclone lsf -R --files-only --format ps mill:mill/tree | sort | head -1)" 'a b.txt;7'
want "$(rclone lsf mill:mill/tree | tail -1)" sub/
want "$(rclone cat mill:mill/tree/sub/größe+日本.txt)" letters
want "$(rclone cat --offset 2 --count 3 mill:mill/tree/sub/größe+日本.txt)" tte

touch -d '2020-02-03 04:05:06.789 UTC' tree/small
rclone copyto tree/small mill:mill/tree/small
want "$(TZ=UTC rclone lsf --format t mill:mill/tree/small)" '2020-02-03 04:05:06'
want "$(rclone sync -v tree mill:mill/tree 2>&1 | grep -c Copied || true)" 0 # nothing has changed

rclone copy mill:mill/tree mill:mill/copy # inside, the large one in parts
rclone check -q mill:mill/tree mill:mill/copy
rclone moveto mill:mill/copy/small mill:mill/copy/moved
rm tree/empty
rclone sync tree mill:mill/copy
rclone check -q tree mill:mill/copy
rclone copy mill:mill/copy back
diff -r tree back

rclone backend versioning mill:mill Enabled >/dev/null
echo second >second
rclone copyto second mill:mill/copy/small
rclone delete mill:mill/copy/small
rclone cat --s3-versions mill:mill/copy --include 'small-v*' >versions
grep -q second versions
rclone backend cleanup mill:mill
rclone delete mill:mill
want "$(rclone lsf -R --files-only mill:mill)" ''
rclone backend cleanup-hidden mill:mill
rclone purge mill:mill
want "$(rclone lsf mill:)" ''

# Moves files with `aws s3`, as people do. What comes back has to be what was sent.
set -eu
s3() { aws --endpoint-url "$ENDPOINT" s3 "$@"; }
want() { [[ $1 == "$2" ]] || { echo "line ${BASH_LINENO[0]}: got $1, want $2" >&2; exit 1; }; }

mkdir -p tree/sub
: >tree/empty
head -c 1024 /dev/urandom >tree/small
head -c 20000000 /dev/urandom >big # more than 8 MiB: in parts
echo spaces >'tree/a b.txt'
echo letters >tree/sub/größe+日本.txt
echo signs >"tree/sub/50% (of) 'it' & so=on;~!.txt"

want "$(s3 mb s3://mill)" 'make_bucket: mill'
echo hello | s3 cp - s3://mill/in/hello.txt
want "$(s3 cp s3://mill/in/hello.txt -)" hello
want "$(curl -sS "$(s3 presign s3://mill/in/hello.txt)")" hello
s3 cp big s3://mill/big --no-progress >copied
s3 mv s3://mill/big s3://mill/moved --no-progress >moved # copied in parts, too
s3 cp s3://mill/moved back --no-progress >copied
cmp big back
want "$(s3 ls s3://mill | sed 's/^.* //')" $'in/\nmoved'

s3 sync tree s3://mill/tree --no-progress >synced
want "$(wc -l <synced)" 5
want "$(s3 sync tree s3://mill/tree)" '' # nothing has changed
s3 ls --recursive --summarize s3://mill/tree/ >listed
grep -q ' 1024 tree/small$' listed
grep -q ' 8 tree/sub/größe+日本.txt$' listed
grep -q 'Total Objects: 5' listed
s3 sync s3://mill/tree again --no-progress >synced
diff -r tree again

s3 rm s3://mill/tree --recursive >removed
want "$(wc -l <removed)" 5
s3 rb s3://mill --force >removed
want "$(s3 ls)" ''

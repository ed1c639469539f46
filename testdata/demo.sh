#!/bin/sh
# The main job on the example fleet: a scratch repository under dist/demo, then
# check, plan, lock, compile, release and sign with a throw-away key, verify,
# tamper. Prints each command before it runs it.
set -eu
darkstart=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(dirname "$here")/dist/demo
rm -rf "$work" "$(dirname "$work")"/demo-*
mkdir -p "$work"
cp -R "$here/fleets/example/." "$work"
cd "$work"
PATH=$(dirname "$darkstart"):$PATH
export PATH

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }
[ -t 1 ] || say() { printf '\n$ %s\n' "$*"; "$@"; }

# The scratch repository is dated, so that the demo's digests are the same on
# every machine and on every day.
export GIT_AUTHOR_DATE=2026-11-20T12:00:00Z GIT_COMMITTER_DATE=2026-11-20T12:00:00Z
git init -q -b main .
git config user.name Demo
git config user.email demo@fleet.example
git config commit.gpgsign false
git add -A
git commit -q -m 'the example fleet'

export COSIGN_PASSWORD=demo
say darkstart check
say darkstart plan
say darkstart plan bootstrap west
say darkstart keys generate --out ../demo-keys
say darkstart release --key ../demo-keys/release.key
git add -A
git commit -q -m 'release 1'
say darkstart verify --key ../demo-keys/release.pub --now 2026-11-21
say darkstart inspect west
say darkstart publish --tar ../demo-release.tar --to staging

printf '\nOne byte changed in a signed bundle:\n'
blob=dist/oci/blobs/sha256/$(darkstart inspect west -o json | sed -n 's/.*"layer": "sha256:\([0-9a-f]*\)".*/\1/p')
cp "$blob" ../demo-blob
printf 'X' | dd of="$blob" bs=1 seek=2000 conv=notrunc 2>/dev/null
if say darkstart verify --key ../demo-keys/release.pub --artifact west --now 2026-11-21; then
	echo 'a tampered bundle was accepted' >&2
	exit 1
fi
cp ../demo-blob "$blob"
say darkstart runbook -o html --out ../demo-runbooks
printf '\nLook at:\n'
for f in "$work/dist/oci" "$work/releases/main.json" "$work/deploy/staging/flux.yaml" "$(dirname "$work")/demo-runbooks/index.html" "$here/fleets/example"; do
	if [ -e "$f" ]; then printf '  %s\n' "$f"; fi
done

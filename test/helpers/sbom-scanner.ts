import { shellBase } from './base-images.ts';

const header = [
  '"spdxVersion":"SPDX-2.3"',
  '"dataLicense":"CC0-1.0"',
  '"SPDXID":"SPDXRef-DOCUMENT"',
  '"name":"%s"',
  '"documentNamespace":"https://example.com/%s"',
  '"creationInfo":{"created":"1970-01-01T00:00:00Z","creators":["Tool: scan-1"]}',
  '"packages":[]',
].join(',');
const file =
  '{"fileName":"%s","SPDXID":"SPDXRef-File-%s","checksums":[{"algorithm":"SHA1","checksumValue":"%s"}]}';
const statement =
  '"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","subject":[]';

const scan = `set -eu
cd "$BUILDKIT_SCAN_SOURCE"
name=$(basename "$BUILDKIT_SCAN_SOURCE")
exec > "$BUILDKIT_SCAN_DESTINATION/$name.spdx.json"
printf '{${statement},"predicate":{${header},"files":[' "$name" "$name"
comma=
find . -type f | sort | while read -r path; do
  sum=$(sha1sum "$path" | cut -d' ' -f1)
  printf '%s' "$comma"
  printf '${file}' "$path" "$sum" "$sum"
  comma=,
done
printf ']}}'
`;

/**
 * The build context of an image that makes SBOMs as BuildKit asks for them: for the files below
 * `$BUILDKIT_SCAN_SOURCE` it writes one in-toto statement with an SPDX 2.3 document to
 * `$BUILDKIT_SCAN_DESTINATION`. It stands in for `docker/buildkit-syft-scanner`, which lies on Docker Hub.
 *
 * @see https://github.com/moby/buildkit/blob/master/docs/attestations/sbom-protocol.md
 */
export const sbomScanner = {
  Dockerfile: `FROM ${shellBase}\nCOPY scan /\nENTRYPOINT ["sh", "/scan"]\n`,
  scan,
};

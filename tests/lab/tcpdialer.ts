// A program somewhere in the world that has the host's record dials it by TCP as `clawchat connect` does (SPEC §4.6). As a
// program: `node tests/lab/tcpdialer.ts RECORD ROOT HOST`, a file and hex; exit 0 if a carrier opens.
import { readFileSync } from 'node:fs'
import { dialSignal } from '../../host/signaldial.ts'
import { openRecord } from '../../shared/record.ts'

const [path = '', ...hex] = process.argv.slice(2)
const [root, hostPublicKey] = hex.map((text) => new Uint8Array(Buffer.from(text, 'hex')))
if (root === undefined || hostPublicKey === undefined) throw new Error('bug: no keys')
const bytes = new Uint8Array(readFileSync(path))
const record = openRecord({ bytes, root, hostPublicKey, minSeq: 0 })
const opened = await dialSignal({ record, root, timesMs: [Date.now()] }).then(
  () => true,
  () => false,
)
process.exit(opened ? 0 : 1)

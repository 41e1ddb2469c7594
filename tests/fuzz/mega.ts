// What MEGA answers (SPEC §3.3.1), to a page that believes nothing: texts of the API, and attributes under the right key.
import { createCipheriv } from 'node:crypto'
import { RECORD_BYTES } from '../../shared/constants.ts'
import {
  decodeAttributes,
  encodeAttributes,
  foldKey,
  parseAnswer,
  recordOfAnswer,
} from '../../shared/mega.ts'
import { fixed } from '../vectors/fixed.ts'
import { attempt, must, mustEqual, type Target } from './target.ts'

export const FILE_KEY = fixed('mega')

const answer: Target = {
  name: 'mega-answer',
  maxBytes: 13_000,
  run(input) {
    const text = Buffer.from(input).toString('utf8')
    const said = attempt(['malformed'], () => parseAnswer(text))
    must(said === null || !('error' in said) || said.error < 0, 'errors are below zero')
    const codes = [
      'record-missing',
      'record-malformed',
      'store-unreachable',
      'store-refused',
    ] as const
    const record = attempt(codes, () => recordOfAnswer(FILE_KEY, text))
    must(record === null || record.length === RECORD_BYTES, 'a record has 6144 bytes')
  },
}

/** The input is what a holder of the key has written. */
const attributes: Target = {
  name: 'mega-attributes',
  maxBytes: 9000,
  run(input) {
    const read = attempt(['malformed'], () => decodeAttributes(FILE_KEY, sealed(input)))
    if (read === null || read.record === null) return
    const at = encodeAttributes(FILE_KEY, { name: 'n', record: read.record })
    mustEqual(decodeAttributes(FILE_KEY, at).record, read.record, 'reads what it wrote')
  },
}

/** `at` of this plaintext, made by another AES than ours. */
export function sealed(plain: Uint8Array): string {
  const padded = Buffer.concat([plain, Buffer.alloc((16 - (plain.length % 16)) % 16)])
  const cipher = createCipheriv('aes-128-cbc', foldKey(FILE_KEY), Buffer.alloc(16))
  return cipher.setAutoPadding(false).update(padded).toString('base64url')
}

export const MEGA_TARGETS: readonly Target[] = [answer, attributes]

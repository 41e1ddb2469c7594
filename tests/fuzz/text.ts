// Text forms (SPEC, opening paragraph; §2): UTF-8, base64, hex, the invite link, Noise names, addresses; the configuration.
import { formatIp, parseIp } from '../../host/addresses.ts'
import { decodeConfig } from '../../host/configfile.ts'
import { optionRow } from '../../host/optiontable.ts'
import { UsageError } from '../../host/usage.ts'
import {
  concat,
  fromBase64,
  fromBase64Url,
  fromHex,
  fromUtf8,
  toBase64,
  toBase64Url,
  toHex,
  toUtf8,
} from '../../shared/bytes.ts'
import { sha256 } from '../../shared/hash.ts'
import { decodeInvite, encodeInvite } from '../../shared/invite.ts'
import { parseProtocol } from '../../shared/noise.ts'
import { formatSafetyQr, parseSafetyQr } from '../../shared/safety.ts'
import { attempt, must, mustEqual, type Target } from './target.ts'

const native = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const utf8: Target = {
  name: 'utf8',
  maxBytes: 400,
  run(input) {
    const text = attempt(['malformed'], () => fromUtf8(input))
    let wanted: string | null = null
    try {
      wanted = native.decode(input)
    } catch {
      // not UTF-8
    }
    must(text === wanted, 'agrees with TextDecoder')
    if (text !== null) mustEqual(toUtf8(text), input, 'one encoding per text')
  },
}

/** Bytes as what they spell; what is no UTF-8 becomes U+FFFD. */
const spelled = (input: Uint8Array): string => Buffer.from(input).toString('utf8')

const bases: Target = {
  name: 'bases',
  maxBytes: 400,
  run(input) {
    const text = spelled(input)
    const plain = attempt(['malformed'], () => fromBase64(text))
    const url = attempt(['malformed'], () => fromBase64Url(text))
    const hex = attempt(['malformed'], () => fromHex(text))
    must(plain === null || toBase64(plain) === text, 'one base64 per value')
    must(url === null || toBase64Url(url) === text, 'one base64url per value')
    must(hex === null || toHex(hex) === text.toLowerCase(), 'one hex per value')
  },
}

const safetyQr: Target = {
  name: 'safety-qr',
  maxBytes: 200,
  run(input) {
    const text = spelled(input)
    const code = attempt(['malformed'], () => parseSafetyQr(text))
    must(code === null || formatSafetyQr(code) === text, 'one text per code')
    must(code === null || code.length === 12, 'twelve groups')
  },
}

function readsInvite(fragment: string): void {
  const invite = attempt(['invite-malformed', 'invite-version'], () => decodeInvite(fragment))
  must(invite === null || encodeInvite(invite) === fragment, 'one link per invite')
}

const invite: Target = {
  name: 'invite',
  maxBytes: 5000,
  run: (input) => readsInvite(spelled(input)),
}

/** Behind the check, which any sender of links can compute. */
const inviteBody: Target = {
  name: 'invite-body',
  maxBytes: 3000,
  run(input) {
    const check = sha256(toUtf8('clawchat/v1 invite check\0'), input).slice(0, 4)
    readsInvite(toBase64Url(concat(input, check)))
  },
}

const protocolName: Target = {
  name: 'protocol-name',
  maxBytes: 120,
  run(input) {
    const name = spelled(input)
    const protocol = attempt(['malformed'], () => parseProtocol(name))
    if (protocol === null) return
    const tokens = protocol.messages.flat()
    must(protocol.name === name, 'keeps its name')
    must(tokens.filter((token) => token === 'psk').length === protocol.pskCount, 'counts psks')
    must(tokens.includes('e1') === tokens.includes('ekem1'), 'a KEM key has its ciphertext')
  },
}

const address: Target = {
  name: 'address',
  maxBytes: 80,
  run(input) {
    // Callers cut the zone off.
    const ip = attempt(['usage'], () => parseIp(spelled(input).split('%')[0] ?? ''))
    if (ip === null) return
    must(ip.length === 4 || ip.length === 16, '4 or 16 bytes')
    mustEqual(parseIp(formatIp(ip)), ip, 'formats what it parsed')
  },
}

const LINE = /^the file, line (\d+)(?:, column \d+)?: /

/** Every refusal names a line of the file; every option begins on the line that is said to be its own. */
const config: Target = {
  name: 'config',
  maxBytes: 1000,
  run(input) {
    const text = spelled(input)
    const lines = text.split('\n')
    try {
      for (const [name, { line, texts }] of decodeConfig(text, 'the file')) {
        const begins = lines[line - 1]?.trimStart() ?? ''
        must(begins.startsWith(name) || /^["']/.test(begins), 'finds the line of an option')
        must(optionRow(name).kind === 'list' || texts.length === 1, 'one text but for a list')
      }
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      const line = Number(LINE.exec(error.sentence)?.[1])
      must(line >= 1 && line <= lines.length, 'names a line of the file')
      must((error.next ?? '').length > 10, 'says what to do')
    }
  },
}

export const TEXT_TARGETS: readonly Target[] = [
  utf8,
  bases,
  safetyQr,
  invite,
  inviteBody,
  protocolName,
  address,
  config,
]

// Reference of SPEC §8.
import { createHash } from 'node:crypto'
import { join, text, zeros } from './primitives.ts'

export function safetyCode(hostPublicKey: Uint8Array, devicePublicKey: Uint8Array): string[] {
  const input = join(text('clawchat/v1 safety'), zeros(1), hostPublicKey, devicePublicKey)
  const x = createHash('sha512').update(input).digest('hex')
  return Array.from({ length: 12 }, (_, i) =>
    (BigInt(`0x${x.slice(10 * i, 10 * i + 10)}`) % 100_000n).toString().padStart(5, '0'),
  )
}

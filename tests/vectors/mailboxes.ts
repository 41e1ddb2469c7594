// Vectors of SPEC §4.4 by the reference: the hints of a host, and its proof.
import { toHex } from '../../shared/bytes.ts'
import * as mailbox from '../reference/mailbox.ts'
import { fixed } from './fixed.ts'

const EPOCH = 472_222

export const mailboxVectors = () =>
  [0, 1, 64].map((count) => {
    const roots = Array.from({ length: count }, (_, i) => fixed(`mailbox root ${i}`))
    const input = {
      writeSecret: fixed('mailbox write secret'),
      origin: 'https://worker.example',
      challenge: fixed('mailbox challenge'),
      timeMs: 1_700_000_000_123,
    }
    const hints = mailbox.signalHints(roots, EPOCH, input.writeSecret)
    return {
      writeSecret: toHex(input.writeSecret),
      roots: roots.map(toHex),
      epoch: EPOCH,
      hints: toHex(hints),
      origin: input.origin,
      challenge: toHex(input.challenge),
      timeMs: input.timeMs,
      proof: toHex(mailbox.proof({ ...input, hints })),
    }
  })

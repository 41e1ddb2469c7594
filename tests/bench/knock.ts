// What a knock costs the host, and how many junk packets a second it can drop: the sorting order of SPEC §4 decides both.
import { randomBytes } from 'node:crypto'
import { hostTag, knockUfrag, openKnock, parseKnock, sealKnock } from '../../shared/knock.ts'
import { printRow } from './stats.ts'

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))

export function benchKnock(): void {
  const root = random(32)
  const tag = hostTag(random(32))
  const ufrag = knockUfrag(
    sealKnock({
      root,
      hostTag: tag,
      epoch: 1,
      route: 'direct',
      timeMs: 1,
      clientFingerprint: random(32),
      nonce: random(12),
      clientUfrag: 'abcd',
    }),
  )
  const values: number[] = []
  for (let i = 0; i < 1000; i++) {
    const start = performance.now()
    openKnock({
      root,
      hostTag: tag,
      knock: parseKnock(ufrag).raw,
      clientUfrag: 'abcd',
      route: 'direct',
    })
    values.push(performance.now() - start)
  }
  printRow({
    cell: 'knock',
    what: 'parse and open one knock',
    unit: 'ms',
    values: values.slice(100),
  })
}

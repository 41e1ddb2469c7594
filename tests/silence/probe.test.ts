// What a scanner, a stranger or a replayer gets from the UDP port: zero bytes. Each probe ends with a proper knock from
// the same socket: loopback keeps order, so its answer is the proof that all before it was read and left unanswered.
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hostTag } from '../../shared/knock.ts'
import {
  Client,
  certificateOf,
  checkOf,
  EPOCH,
  isSuccess,
  makeKnock,
  Probe,
  ROOTS,
  random,
  startHost,
  type TestHost,
  transactionOf,
} from './dialer.ts'

let host: TestHost
const probes: Probe[] = []
beforeEach(async () => {
  host = await startHost()
})
afterEach(() => {
  for (const probe of probes.splice(0)) probe.close()
  host.listener.stop()
})

async function probeAt(address: string): Promise<Probe> {
  const probe = await Probe.at(address, host.port)
  probes.push(probe)
  return probe
}

/** Nothing but the answer to the control knock comes back. */
async function expectSilence(
  packets: readonly Uint8Array[],
  probe?: Probe,
  knock = makeKnock({ root: ROOTS.other }),
): Promise<void> {
  const from = probe ?? (await probeAt('127.0.2.1'))
  const before = from.received.length
  for (const packet of packets) await from.send(packet)
  const control = checkOf(knock)
  expect(isSuccess(await from.ask(control))).toBe(true)
  expect(from.received.slice(before).map(transactionOf)).toEqual([transactionOf(control)])
}

/** The check with the bytes of one place exchanged. */
function altered(packet: Buffer, at: number): Buffer {
  const out = Buffer.from(packet)
  out.writeUInt8((out[at] ?? 0) ^ 1, at)
  return out
}

describe('silence', () => {
  it('for garbage of every first byte', () =>
    expectSilence(
      Array.from({ length: 256 }, (_, first) => Buffer.concat([Buffer.of(first), randomBytes(99)])),
    ))

  it('for empty, short and huge packets', () =>
    expectSilence([
      Buffer.alloc(0),
      Buffer.of(0),
      Buffer.of(22),
      Buffer.from('000100002112a442', 'hex'),
      randomBytes(9000),
      Buffer.alloc(1472),
    ]))

  it('for well-known protocols', () =>
    expectSilence([
      // a bare STUN binding request, a DNS query, an NTP request, a QUIC version negotiation trigger, an SSDP search
      Buffer.concat([Buffer.from('000100002112a442', 'hex'), randomBytes(12)]),
      Buffer.from('0001010000010000000000000377777706676f6f676c6503636f6d0000010001', 'hex'),
      Buffer.concat([Buffer.of(0x1b), Buffer.alloc(47)]),
      Buffer.concat([Buffer.from('c0babababa08', 'hex'), randomBytes(1194)]),
      Buffer.from('M-SEARCH * HTTP/1.1\r\nMAN: "ssdp:discover"\r\n\r\n'),
    ]))

  it('for stray DTLS', () =>
    expectSilence([
      Buffer.concat([Buffer.from('16fefd0000000000000000003a', 'hex'), randomBytes(58)]),
      Buffer.concat([Buffer.from('17fefd00010000000000010040', 'hex'), randomBytes(64)]),
      Buffer.from('15fefd000000000000000000020100', 'hex'),
    ]))

  it('for a real ClientHello from an address that did not knock', async () => {
    const { fingerprint } = await certificateOf(EPOCH)
    const client = await Client.connect(host, '127.0.2.2', fingerprint)
    const hellos = client.sent.filter((packet) => packet[0] === 22 && packet[13] === 1)
    expect(hellos).toHaveLength(2)
    await expectSilence(hellos)
    await client.close()
  })

  it('for DTLS from an address that knocked but was not nominated', async () => {
    const probe = await probeAt('127.0.2.3')
    const knock = makeKnock()
    await probe.ask(checkOf(knock))
    await expectSilence(
      [Buffer.concat([Buffer.from('16fefd0000000000000000003a', 'hex'), randomBytes(58)])],
      probe,
      knock,
    )
  })

  it('for unsealed, short and long ufrags', () =>
    expectSilence(
      [
        '',
        'x',
        'A'.repeat(123),
        'A'.repeat(124),
        'A'.repeat(125),
        '='.repeat(124),
        '\n'.repeat(124),
      ]
        .map((ufrag) => ({ ufrag, password: 'p'.repeat(24), clientUfrag: 'abcd' }))
        .map((knock) => checkOf(knock)),
    ))

  it('for a knock of a stranger, of a foreign host, of another route', () =>
    expectSilence([
      checkOf(makeKnock({ root: random(32) })),
      checkOf(makeKnock({ tag: hostTag(random(32)) })),
      checkOf(makeKnock({ route: 'signal' })),
      checkOf({ ...makeKnock(), clientUfrag: 'efgh' }),
    ]))

  it('for epochs -3 and +3, but not for -2 and +2', async () => {
    await expectSilence([-3, 3].map((d) => checkOf(makeKnock({ epoch: EPOCH + d }))))
    for (const d of [-2, 2]) {
      const probe = await probeAt('127.0.2.4')
      expect(isSuccess(await probe.ask(checkOf(makeKnock({ epoch: EPOCH + d }))))).toBe(true)
    }
  })

  it('for a wrong integrity, fingerprint, or any altered byte', async () => {
    const knock = makeKnock()
    const check = checkOf(knock)
    // Fewer than the burst of failures: the control must not be refused by the limit.
    const places = [0, 3, 4, 8, 25, 40, 100, 147, check.length - 20, check.length - 1]
    await expectSilence([
      checkOf({ ...knock, password: 'x'.repeat(24) }),
      ...places.map((at) => altered(check, at)),
    ])
    const probe = await probeAt('127.0.2.5')
    expect(isSuccess(await probe.ask(check))).toBe(true)
  })

  it('for a replay from elsewhere while its peer lives, but not for the client on a new path', async () => {
    const knock = makeKnock()
    const check = checkOf(knock)
    const client = await probeAt('127.0.2.6')
    await client.ask(check)
    await expectSilence([check, check])
    const moved = await probeAt('127.0.2.7')
    expect(isSuccess(await moved.ask(checkOf(knock)))).toBe(true)
  })

  it('for any check of a peer that closed, also after a restart of the host', async () => {
    const { fingerprint } = await certificateOf(EPOCH)
    const client = await Client.connect(host, '127.0.2.8', fingerprint)
    const [entry] = host.carriers
    if (entry === undefined) throw new Error('bug: no carrier')
    const ended = new Promise<void>((resolve) => entry.carrier.onClose(resolve))
    await client.close()
    await ended
    const again = [checkOf(client.knock), checkOf(client.knock, { useCandidate: true })]
    await expectSilence(again)
    host.listener.stop()
    host = await startHost(host.nonces)
    await expectSilence(again, await probeAt('127.0.2.9'))
  })

  it('until the nonce is written down', async () => {
    const probe = await probeAt('127.0.2.11')
    expect(isSuccess(await probe.ask(checkOf(makeKnock())))).toBe(true)
    expect([...host.nonces.values()]).toEqual([EPOCH + 2])
  })

  it('for a credential that was withdrawn', async () => {
    host.roots.delete('device')
    host.listener.refresh()
    await expectSilence([checkOf(makeKnock())])
  })

  it('for a source above its limit of failures, while others get answers', async () => {
    const noisy = await probeAt('127.0.2.12')
    const junk = { ufrag: 'A'.repeat(124), password: 'p'.repeat(24), clientUfrag: 'abcd' }
    for (let i = 0; i < 2000; i++) await noisy.send(checkOf(junk))
    await noisy.send(checkOf(makeKnock()))
    await expectSilence([], await probeAt('127.0.2.13'))
    expect(noisy.received).toEqual([])
    expect(host.nonces.size).toBe(1)
  })
})

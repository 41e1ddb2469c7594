// A device is revoked whose browser profile somebody has copied: neither gets in again, and nobody else loses a word.
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { encodeBindingRequest } from '../../host/stun.ts'
import { toHex } from '../../shared/bytes.ts'
import { decodeInvite, inviteRoot } from '../../shared/invite.ts'
import { hostTag, icePassword, knockUfrag, sealKnock } from '../../shared/knock.ts'
import { openRecord } from '../../shared/record.ts'
import { freePort, type Lab, labTest, lanAddress } from './harness.ts'
import type { Host } from './host.ts'
import { type Stolen, steal } from './stolen.ts'

function check(root: Uint8Array, hostPublicKey: Uint8Array, epoch: number): Buffer {
  const nonce = new Uint8Array(randomBytes(12))
  const clientUfrag = 'abcd'
  const knock = sealKnock({
    root,
    hostTag: hostTag(hostPublicKey),
    epoch,
    route: 'direct',
    timeMs: Date.now(),
    clientFingerprint: new Uint8Array(randomBytes(32)),
    nonce,
    clientUfrag,
  })
  return encodeBindingRequest({
    transaction: randomBytes(12),
    username: `${knockUfrag(knock)}:${clientUfrag}`,
    password: icePassword(root, nonce),
    useCandidate: true,
  })
}

/** Knocks on every port that the thief knows and on the one of now; the last knock is an honest one. @returns how many were answered */
async function knockEverywhere(stolen: Stolen, port: number, honest: Uint8Array): Promise<number> {
  const { hostPublicKey, intervalMs, schedule } = stolen.record
  const epoch = Math.floor(Date.now() / intervalMs)
  const socket = createSocket('udp4')
  socket.bind(0, lanAddress)
  await once(socket, 'listening')
  let answers = 0
  // Ports that are closed answer by ICMP.
  socket.on('error', () => undefined)
  const send = (packet: Buffer, to: number) =>
    new Promise<void>((done) => socket.send(packet, to, lanAddress, () => done()))
  for (const away of [-2, -1, 0, 1, 2]) {
    const packet = check(stolen.root, hostPublicKey, epoch + away)
    for (const to of [port, ...schedule.map((entry) => entry.port)]) await send(packet, to)
  }
  const control = check(honest, hostPublicKey, epoch)
  const answered = new Promise<void>((done) =>
    socket.on('message', (packet) => {
      answers += 1
      if (packet.subarray(8, 20).equals(control.subarray(8, 20))) done()
    }),
  )
  // Loopback keeps order: with this answer all before it has been read.
  await send(control, port)
  await answered
  socket.close()
  return answers
}

async function everyRecord(lab: Lab, host: Host, { record }: Stolen): Promise<Uint8Array[]> {
  const fetched = record.locator.flatMap((entry) =>
    entry.type === 'https' ? [fetch(`${entry.url}/v1/records/${toHex(entry.id)}`)] : [],
  )
  const answers = await Promise.all(fetched)
  const bodies = await Promise.all(answers.map((answer) => answer.arrayBuffer()))
  const files = [lab.path('record'), join(host.dir, 'record.bin')].map((path) => readFileSync(path))
  return [
    ...bodies.map((body) => new Uint8Array(body)),
    ...files.map((file) => new Uint8Array(file)),
  ]
}

async function deviceOf(host: Host, name: string): Promise<string> {
  const { lines } = await host.command('members')
  const member = lines.find((line) => line.name === name) as { devices: { device: string }[] }
  return String(member.devices[0]?.device)
}

labTest(
  'a revoked device and the copy of its profile stay out; the others lose nothing',
  async (lab) => {
    const { host, ready } = await lab.host([
      ...['--http', `127.0.0.1:${freePort()}`, '--store', `file:${lab.path('record')}`],
      ...['--grace', '3s'],
    ])
    const ann = await lab.chromium('Ann')
    await ann.join(String(ready.invite))
    const cay = await lab.chromium('Cay')
    await cay.join(await host.invite())
    const { lines: invites } = await host.command('invite', '--uses', '2')
    const ben = await lab.profile('Ben', lab.path('ben'))
    await ben.client.join(String(invites[0]?.invite))
    await ben.client.send('from Ben')
    await ann.waitMessage('from Ben')
    const stolen = await steal(ben.client)
    await ben.close()
    cpSync(lab.path('ben'), lab.path('eve'), { recursive: true })
    const again = await lab.profile('Ben again', lab.path('ben'))
    await again.client.driver.goto(String(ready.page))
    await again.client.waitConnected()

    const device = await deviceOf(host, 'Ben')
    for (let i = 0; i < 3; i++) await ann.send(`before ${i}`)
    const [revoked] = await Promise.all([
      host.command('revoke', device),
      (async () => {
        for (let i = 0; i < 5; i++) await ann.send(`meanwhile ${i}`)
      })(),
    ])
    expect(revoked.code).toBe(0)
    expect(revoked.lines).toEqual([
      { revoked: [device], links: [invites[0]?.id], unconfirmed: [], ownerDevices: 1 },
    ])
    const out = await host.waitFor('revoked')
    expect(out.device).toBe(device)
    expect(await again.client.alertCode()).toBe('removed')
    await again.client.waitText('This device was removed from the chat.')

    await ann.send('after')
    await cay.waitMessage('after')
    await ann.waitMessage('after', 'delivered')
    const said = await ann.texts()
    expect(said).toHaveLength(10)
    expect(await cay.texts()).toEqual(said)
    expect(await again.client.texts()).not.toContain('after')

    for (const bytes of await everyRecord(lab, host, stolen)) {
      const { root, record } = stolen
      const { hostPublicKey } = record
      expect(() => openRecord({ bytes, root, hostPublicKey, minSeq: 0 })).toThrow('record-no-slot')
    }
    // The others have left the old port by the time it closes.
    await host.waitFor('closed', ({ port }) => port === ready.port)
    await ann.send('on the new port')
    await cay.waitMessage('on the new port')
    const { lines } = await host.command('status')
    expect(stolen.record.schedule.map(({ port }) => port)).not.toContain(lines[0]?.port)
    const link = new URL(await host.invite()).hash.slice(1)
    const honest = inviteRoot(decodeInvite(link))
    expect(await knockEverywhere(stolen, Number(lines[0]?.port), honest)).toBe(1)

    const eve = await lab.profile('Eve', lab.path('eve'))
    // Eve even controls what her browser hears from the stores.
    await eve.client.driver.answerRecords(stolen.bytes)
    await eve.client.driver.goto(String(ready.page))
    expect(await eve.client.alertCode(90_000)).toBe('no-answer')
    expect(await eve.client.texts()).toEqual(['from Ben'])

    await again.client.driver.press('Try again')
    expect(await again.client.alertCode(90_000)).toBe('removed')
    // A reload asks nobody, and says the same.
    await again.client.driver.reload()
    expect(await again.client.alertCode()).toBe('removed')
    const later = host.events.slice(host.events.indexOf(out))
    const [connected] = later.filter((e) => e.event === 'connected' && e.device === device)
    expect(connected).toBeUndefined()
    expect((await host.command('revoke', device)).lines[0]).toMatchObject({
      code: 'device-unknown',
    })
  },
  300_000,
)

// A change of carrier under load, without any fault but the change itself (SPEC §6.2): make before break, also twice at once.
import { expect, test } from 'vitest'
import { nodeBackend } from '../../host/nodecrypto.ts'
import { toHex } from '../../shared/bytes.ts'
import { CALM_PING_MS, WAKE_MS } from '../../web/pulse.ts'
import { SimDevice } from './device.ts'
import { SimHost } from './host.ts'
import { CALM, Network, watchNonces } from './network.ts'
import { Check, START_MS } from './scenario.ts'
import { Chance, World } from './world.ts'

const MESSAGES = 200

async function scene() {
  const chance = new Chance(7)
  const world = new World(START_MS)
  const network = new Network(world, chance, CALM)
  const backend = watchNonces(nodeBackend, world)
  const host = new SimHost(world, network, chance, backend)
  host.start()
  const devices = (['owner', 'member'] as const).map((role) => {
    const invite = host.invite(role)
    if (invite === null) throw new Error('bug: the host is not up')
    return new SimDevice(role, invite, { world, network, chance, host, backend })
  })
  for (const device of devices) device.start()
  await world.run(world.nowMs + 60_000, () => devices.every((device) => device.connected))
  const [ann, ben] = devices as [SimDevice, SimDevice]
  /** both write 100 messages, one every few milliseconds */
  const write = (): void => {
    for (let i = 0; i < MESSAGES / 2; i++) {
      for (const device of devices) {
        const id = toHex(chance.bytes(16))
        world.after(i * 3, () => device.post(id, `text ${i}`))
      }
    }
  }
  const settled = async (): Promise<void> => {
    const check = new Check(host, devices)
    await world.run(world.nowMs + 1000)
    const quiet = await world.run(world.nowMs + 120_000, () => check.quiet(world.nowMs))
    expect(quiet, check.whyNot()).toBe(true)
    check.all()
    expect(check.stored).toHaveLength(MESSAGES)
  }
  return { world, host, ann, ben, write, settled }
}

test.each([
  ['once', [50]],
  ['twice at once', [50, 50]],
  ['again and again', [0, 40, 80, 120, 160, 200, 240, 280]],
])('200 messages in flight, a fresh carrier %s', async (_, moments) => {
  const { world, ann, ben, write, settled } = await scene()
  const before = ann.connects + ben.connects
  write()
  for (const moment of moments) {
    world.after(moment, () => ann.renew())
    world.after(moment + 7, () => ben.renew())
  }
  await settled()
  expect(ann.connects + ben.connects).toBeGreaterThan(before)
})

test('200 messages in flight, both devices slept', async () => {
  const { world, ann, ben, write, settled } = await scene()
  await world.run(world.nowMs + 2 * CALM_PING_MS)
  const before = [ann.connects, ben.connects]
  write()
  for (const each of [ann, ben]) each.clockOffsetMs += 2 * WAKE_MS
  await world.run(world.nowMs + 2 * CALM_PING_MS)
  // What is in flight while carriers change may end one of them once more.
  for (const [i, each] of [ann, ben].entries())
    expect(each.connects).toBeGreaterThan(before[i] as number)
  await settled()
})

test('200 messages in flight, a rotation in the middle', async () => {
  const { world, host, write, settled } = await scene()
  write()
  world.after(100, () => host.rotate())
  await settled()
  expect(host.rotations).toBeGreaterThan(0)
})

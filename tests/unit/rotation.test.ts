import { expect, test } from 'vitest'
import {
  createRotation,
  type PlannedEpoch,
  type RotationEffect,
  type RotationInput,
  type RotationState,
  stepRotation,
} from '../../host/rotation.ts'

const OPTIONS = {
  intervalMs: 3_600_000,
  noticeMs: 120_000,
  graceMs: 300_000,
  firstPort: 50_000,
  lastPort: 50_999,
}
const START_MS = 1_700_000_000_000

/** The outside of the machine: sockets, certificates and a clock, all of them virtual. */
class World {
  nowMs = START_MS
  wakeAtMs = 0
  state: RotationState
  taken: (port: number) => boolean = () => false
  readonly open = new Set<number>()
  readonly log: (RotationEffect & { nowMs: number })[] = []
  #seed: number
  constructor(options = OPTIONS, seed = 1, planned: readonly PlannedEpoch[] = []) {
    this.state = createRotation(options)
    this.#seed = seed
    this.input({ type: 'start', planned, ...this.#now() })
  }
  #now = () => ({ nowMs: this.nowMs, random: this.#random })
  #random = (length: number): Uint8Array =>
    Uint8Array.from({ length }, () => {
      this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0
      return this.#seed >>> 24
    })
  input(first: RotationInput): void {
    const inputs = [first]
    for (let input = inputs.shift(); input !== undefined; input = inputs.shift()) {
      const { state, effects, wakeAtMs } = stepRotation(this.state, input)
      this.state = state
      this.wakeAtMs = wakeAtMs ?? Number.NaN
      for (const effect of effects) {
        this.log.push({ ...effect, nowMs: this.nowMs })
        if (effect.type === 'close') expect(this.open.delete(effect.port)).toBe(true)
        if (effect.type === 'bind') inputs.push(this.#bind(effect.port))
      }
    }
  }
  #bind(port: number): RotationInput {
    const free = !this.taken(port) && !this.open.has(port)
    if (free) this.open.add(port)
    return { type: free ? 'bound' : 'bind-failed', port, ...this.#now() }
  }
  rotate(): void {
    this.input({ type: 'rotate', ...this.#now() })
  }
  look(): void {
    this.input({ type: 'wake', ...this.#now() })
  }
  wake(): void {
    this.nowMs = this.wakeAtMs
    this.look()
  }
  of<T extends RotationEffect['type']>(type: T) {
    return this.log.filter(
      (effect): effect is Extract<RotationEffect, { type: T }> & { nowMs: number } =>
        effect.type === type,
    )
  }
}

function expectNoRepeats(ports: readonly number[]): void {
  ports.forEach((port, i) => {
    expect(ports.slice(Math.max(0, i - 5), i)).not.toContain(port)
  })
}

test('1000 epochs with conflicts: switches on time, none of the last five ports, sockets closed after grace', () => {
  const world = new World()
  world.taken = (port) => port % 3 === 0
  const last = Math.floor(START_MS / OPTIONS.intervalMs) + 1000
  while (world.state.active?.epoch !== last) world.wake()
  const rotated = world.of('rotated')
  expect(rotated).toHaveLength(1000)
  for (const { epoch, nowMs, port } of rotated) {
    expect(nowMs).toBe(epoch * OPTIONS.intervalMs)
    expect(port % 3).not.toBe(0)
  }
  expectNoRepeats(rotated.map(({ port }) => port))
  const notices = world.of('notice')
  expect(notices).toHaveLength(1000)
  for (const { atMs, nowMs } of notices) expect(atMs - nowMs).toBe(OPTIONS.noticeMs)
  expect(world.open.size).toBe(2)
  world.wake()
  expect([...world.open]).toEqual([world.state.active?.port])
})

test('what is published is what gets bound, and the schedule has 26 entries from the previous epoch on', () => {
  const world = new World()
  for (let i = 0; i < 200; i++) {
    const { planned } = world.state
    expect(planned).toHaveLength(26)
    const now = Math.floor(world.nowMs / OPTIONS.intervalMs)
    expect(planned[0]?.epoch).toBe(now - 1)
    expect(planned[1]?.port).toBe(world.state.active?.port)
    const tomorrow = planned[2]?.port
    while (world.state.active?.epoch === now) world.wake()
    expect(world.state.active?.port).toBe(tomorrow)
  }
})

test('rotate now: another port in the same epoch, the old one kept for grace, published', () => {
  const world = new World()
  const before = world.state.active
  const published = world.of('publish').length
  world.rotate()
  const after = world.state.active
  expect(after?.epoch).toBe(before?.epoch)
  expect(after?.port).not.toBe(before?.port)
  expect(world.of('publish').length).toBe(published + 1)
  expect(world.open.size).toBe(2)
  for (let i = 0; i < 7; i++) world.rotate()
  expectNoRepeats(world.of('rotated').map(({ port }) => port))
})

test('a restart keeps every port that was drawn', () => {
  const world = new World()
  const again = new World(OPTIONS, 99, world.state.planned)
  expect(again.state.planned).toEqual(world.state.planned)
})

test('clock jumps: ahead by hours and days, back by hours; the port in use is the scheduled one', () => {
  const world = new World()
  for (const hours of [3, 50, -2, -40, 1000, 0.5, -0.25]) {
    world.nowMs += hours * 3_600_000
    world.look()
    const now = Math.floor(world.nowMs / OPTIONS.intervalMs)
    const entry = world.state.planned.find(({ epoch }) => epoch === now)
    expect(world.state.active).toEqual({ epoch: now, port: entry?.port })
    expect(world.wakeAtMs).toBeGreaterThan(world.nowMs)
  }
  expectNoRepeats(world.of('rotated').map(({ port }) => port))
})

test('no port can be bound: it waits instead of spinning, and recovers', () => {
  const world = new World()
  const before = world.state.active?.port
  world.taken = () => true
  world.rotate()
  expect(world.of('bind').length).toBeLessThan(40)
  expect(world.wakeAtMs).toBe(world.nowMs + 1000)
  world.taken = () => false
  world.wake()
  expect(world.of('rotated')).toMatchObject([{ previousPort: before }])
  expect(world.state.active?.port).not.toBe(before)
})

test('the narrowest range of eight ports never repeats one of the last five', () => {
  const world = new World({ ...OPTIONS, lastPort: 50_007 })
  for (let i = 0; i < 900; i++) world.wake()
  const rotated = world.of('rotated')
  expect(rotated.length).toBeGreaterThan(200)
  expectNoRepeats(rotated.map(({ port }) => port))
})

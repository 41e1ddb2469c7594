// The port machine under virtual time: no socket, no clock, seeded randomness. Every step is checked against the invariants.
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  createRotation,
  currentPort,
  type PlannedEpoch,
  plannedSchedule,
  type RotationEffect,
  type RotationInput,
  type RotationOptions,
  stepRotation,
} from '../../host/rotation.ts'
import type { RandomBytes } from '../../shared/crypto.ts'

const HOUR = 3_600_000
const OPTIONS: RotationOptions = {
  intervalMs: HOUR,
  noticeMs: 120_000,
  graceMs: 300_000,
  firstPort: 20_000,
  lastPort: 59_999,
}
const START_MS = 480_000 * HOUR + 10 * 60_000

function seeded(seed: string): RandomBytes {
  let counter = 0
  return (length) => {
    const bytes = createHash('sha256').update(`${seed} ${counter++}`).digest()
    return new Uint8Array(bytes.subarray(0, length))
  }
}

/** What a driver does, with ports that may be taken. */
class Driver {
  state
  nowMs = START_MS
  wakeAtMs: number | null = null
  readonly open = new Set<number>()
  readonly unanswered: number[] = []
  readonly log: RotationEffect[] = []
  saved: readonly PlannedEpoch[] = []
  taken: (port: number) => boolean = () => false
  answering = true
  readonly random: RandomBytes
  readonly options: RotationOptions

  constructor(seed: string, options = OPTIONS) {
    this.random = seeded(seed)
    this.options = options
    this.state = createRotation(options)
  }

  step(input: RotationInput): void {
    const step = stepRotation(this.state, input)
    this.state = step.state
    this.wakeAtMs = step.wakeAtMs
    for (const effect of step.effects) this.perform(effect)
    const ports = [...this.open, ...this.unanswered]
    expect(new Set(ports).size).toBe(ports.length)
    expect(ports.length).toBeLessThanOrEqual(5)
    if (this.answering) this.answerAll()
  }

  perform(effect: RotationEffect): void {
    if (this.log.length < 100_000) this.log.push(effect)
    if (effect.type === 'bind') this.unanswered.push(effect.port)
    if (effect.type === 'close') expect(this.open.delete(effect.port)).toBe(true)
    if (effect.type === 'save') this.saved = effect.planned
    if (effect.type === 'publish') expect(this.saved).toEqual(plannedSchedule(this.state))
    if (effect.type === 'notice' || effect.type === 'rotated') {
      expect(this.open.has(effect.port)).toBe(true)
    }
  }

  answerAll(): void {
    for (let port = this.unanswered.shift(); port !== undefined; port = this.unanswered.shift()) {
      const type = this.taken(port) ? 'bind-failed' : 'bound'
      if (type === 'bound') this.open.add(port)
      this.step({ type, port, nowMs: this.nowMs, random: this.random })
    }
  }

  send(type: 'wake' | 'rotate' | 'redraw'): void {
    this.step({ type, nowMs: this.nowMs, random: this.random })
  }

  start(planned: readonly PlannedEpoch[] = []): void {
    this.step({ type: 'start', nowMs: this.nowMs, random: this.random, planned })
  }

  at(nowMs: number): void {
    this.nowMs = nowMs
    this.send('wake')
  }

  toWake(): void {
    if (this.wakeAtMs === null) throw new Error('asleep for ever')
    expect(this.wakeAtMs).toBeGreaterThan(this.nowMs)
    this.at(this.wakeAtMs)
  }

  /** Holds whenever every bind has been answered and none is paused. */
  check(): void {
    const epoch = Math.floor(this.nowMs / this.options.intervalMs)
    const plan = plannedSchedule(this.state)
    expect(plan.map((entry) => entry.epoch)).toEqual(
      Array.from({ length: 26 }, (_, i) => epoch - 1 + i),
    )
    expect(currentPort(this.state)).toEqual(plan[1])
    expect(this.open.has(currentPort(this.state).port)).toBe(true)
    for (let at = 0; at < plan.length; at++) {
      const port = plan[at]?.port ?? 0
      expect(port >= this.options.firstPort && port <= this.options.lastPort).toBe(true)
      expect(plan.slice(Math.max(0, at - 5), at).some((other) => other.port === port)).toBe(false)
    }
  }
}

const started = (seed: string, options?: RotationOptions): Driver => {
  const driver = new Driver(seed, options)
  driver.start()
  driver.check()
  return driver
}

describe('rotation', () => {
  it('does nothing before its start', () => {
    const step = stepRotation(createRotation(OPTIONS), {
      type: 'wake',
      nowMs: START_MS,
      random: seeded('a'),
    })
    expect(step.effects).toEqual([])
    expect(step.wakeAtMs).toBeNull()
  })

  it('announces, switches and closes in order and on time', () => {
    const driver = started('day')
    const old = currentPort(driver.state)
    const next = plannedSchedule(driver.state)[2]
    const switchAtMs = (old.epoch + 1) * HOUR
    driver.log.length = 0
    driver.toWake()
    expect(driver.nowMs).toBe(switchAtMs - OPTIONS.noticeMs)
    expect(driver.log.map(({ type }) => type)).toEqual(['bind', 'save', 'publish', 'notice'])
    expect(driver.log.at(-1)).toEqual({ type: 'notice', ...next, atMs: switchAtMs })
    driver.log.length = 0
    driver.toWake()
    expect(driver.nowMs).toBe(switchAtMs)
    expect(driver.log.map(({ type }) => type)).toEqual(['save', 'publish', 'rotated'])
    expect(driver.log.at(-1)).toEqual({
      type: 'rotated',
      ...next,
      previousPort: old.port,
      graceEndsAtMs: switchAtMs + OPTIONS.graceMs,
    })
    expect(driver.open.has(old.port)).toBe(true)
    driver.log.length = 0
    driver.toWake()
    expect(driver.nowMs).toBe(switchAtMs + OPTIONS.graceMs)
    expect(driver.log).toEqual([{ type: 'close', ...old }])
  })

  it('lives 10 000 epochs, each on its planned port, none of the last five', () => {
    const driver = started('long')
    const ports = [currentPort(driver.state).port]
    while (ports.length < 10_000) {
      const promised = plannedSchedule(driver.state)[2]
      driver.log.length = 0
      const epoch = currentPort(driver.state).epoch
      while (currentPort(driver.state).epoch === epoch) driver.toWake()
      const { port } = currentPort(driver.state)
      if (port !== promised?.port || ports.slice(-5).includes(port))
        throw new Error(`epoch ${epoch}`)
      ports.push(port)
      if (ports.length % 500 === 0) driver.check()
    }
    expect(driver.open.size).toBeLessThanOrEqual(2)
    expect(new Set(ports).size).toBeGreaterThan(8000)
  })

  it('redraws what is taken, at the start, at the notice, and when every second port is', () => {
    const driver = new Driver('conflict')
    driver.taken = (port) => port % 2 === 0
    driver.start()
    driver.check()
    for (let at = 0; at < 300; at++) {
      driver.toWake()
      driver.check()
      expect([...driver.open].every((port) => port % 2 === 1)).toBe(true)
    }
  })

  it('pauses while nothing can be bound, and recovers', () => {
    const driver = new Driver('full')
    driver.taken = () => true
    driver.start()
    expect(driver.wakeAtMs).toBe(START_MS + 1000)
    expect(driver.log.filter(({ type }) => type === 'publish')).toEqual([])
    driver.taken = () => false
    driver.toWake()
    driver.check()
  })

  it('keeps a persisted plan, and the previous port within its grace', () => {
    const first = started('first')
    const plan = first.saved
    const second = new Driver('second')
    second.nowMs = (plan[2]?.epoch ?? 0) * HOUR + 1000
    second.start(plan)
    second.check()
    expect(plannedSchedule(second.state).slice(0, 25)).toEqual(plan.slice(1))
    expect([...second.open].sort()).toEqual([plan[1]?.port, plan[2]?.port].sort())
    const third = new Driver('third')
    third.nowMs = (plan[2]?.epoch ?? 0) * HOUR + OPTIONS.graceMs
    third.taken = (port) => port === plan[1]?.port
    third.start(plan)
    third.check()
    expect([...third.open]).toEqual([plan[2]?.port])
  })

  it('drops persisted ports that are out of range or repeat', () => {
    const epoch = Math.floor(START_MS / HOUR)
    const driver = new Driver('bad')
    driver.start([
      { epoch, port: 80 },
      { epoch: epoch + 1, port: 30_000 },
      { epoch: epoch + 2, port: 30_000 },
    ])
    driver.check()
  })

  it('mends a persisted plan with a hole in it, whatever its length', () => {
    const epoch = Math.floor(START_MS / HOUR)
    const driver = new Driver('hole')
    const ports = Array.from({ length: 25 }, (_, i) => ({ epoch: epoch + i, port: 51_000 + i }))
    driver.start([{ epoch: epoch - 4, port: 50_000 }, ...ports])
    driver.check()
    const planned = plannedSchedule(driver.state)
    expect(planned.map((entry) => entry.epoch - epoch)).toEqual(
      Array.from({ length: 26 }, (_, i) => i - 1),
    )
  })

  it('rotates by hand at any moment, within the epoch and with a grace', () => {
    const driver = started('manual')
    for (const minute of [11, 57, 58.5, 59.9, 60, 61, 64, 65, 119, 121]) {
      driver.at(480_000 * HOUR + minute * 60_000)
      const old = currentPort(driver.state)
      driver.log.length = 0
      driver.send('rotate')
      driver.check()
      expect(driver.log.find(({ type }) => type === 'rotated')).toEqual({
        type: 'rotated',
        epoch: old.epoch,
        port: currentPort(driver.state).port,
        previousPort: old.port,
        graceEndsAtMs: driver.nowMs + OPTIONS.graceMs,
      })
      expect(currentPort(driver.state).port).not.toBe(old.port)
      expect(driver.open.has(old.port)).toBe(true)
    }
    driver.at(driver.nowMs + OPTIONS.graceMs)
    expect(driver.open.size).toBe(1)
  })

  it('switches at once after a suspend, and keeps nothing that is out of grace', () => {
    for (const hours of [1, 2, 24, 26, 27, 1000]) {
      const driver = started(`sleep ${hours}`)
      driver.at(driver.nowMs + hours * HOUR)
      driver.check()
      expect([...driver.open]).toEqual([currentPort(driver.state).port])
    }
  })

  it('follows a clock that goes back, reusing ports that are bound', () => {
    const driver = started('back')
    const old = currentPort(driver.state)
    driver.at((old.epoch + 1) * HOUR + 1000)
    driver.at((old.epoch + 1) * HOUR - 1000)
    driver.check()
    expect(currentPort(driver.state)).toEqual(old)
    for (const hours of [1, 3, 30, 5000]) {
      driver.at(driver.nowMs - hours * HOUR)
      driver.check()
    }
    driver.at(driver.nowMs + OPTIONS.graceMs)
    expect(driver.open.size).toBeLessThanOrEqual(2)
  })

  it('closes a port whose bind is answered too late', () => {
    const driver = started('late')
    driver.answering = false
    driver.at(driver.nowMs + 5 * HOUR)
    driver.at(driver.nowMs + 50 * HOUR)
    driver.answering = true
    driver.answerAll()
    driver.check()
    expect([...driver.open]).toEqual([currentPort(driver.state).port])
  })

  it('redraws every epoch to ports that no schedule before named, whatever happens in between', () => {
    for (let seed = 0; seed < 60; seed++) {
      const driver = started(`redraw ${seed}`)
      const dice = seeded(`redraw dice ${seed}`)
      const roll = (below: number): number => ((dice(2)[0] ?? 0) * 256 + (dice(2)[1] ?? 0)) % below
      driver.taken = () => roll(5) === 0
      const known = new Set<number>()
      for (let times = 0; times < 3; times++) {
        driver.at(driver.nowMs + roll(7200) * 1000)
        for (const { port } of plannedSchedule(driver.state)) known.add(port)
        for (const port of driver.open) known.add(port)
        const before = [...driver.open]
        driver.send('redraw')
        driver.check()
        expect(plannedSchedule(driver.state).filter(({ port }) => known.has(port))).toEqual([])
        // Who is connected stays so, at most for the grace.
        for (const port of before.slice(-2)) expect(driver.open.has(port)).toBe(true)
        driver.at(driver.nowMs + OPTIONS.graceMs)
        driver.check()
        for (const port of driver.open) expect(known.has(port)).toBe(false)
      }
    }
  })

  it('redraws in the smallest range too: the new port is none that was bound', () => {
    const small = { ...OPTIONS, lastPort: OPTIONS.firstPort + 7 }
    for (let seed = 0; seed < 60; seed++) {
      const driver = new Driver(`narrow ${seed}`, small)
      driver.start()
      driver.at(driver.nowMs + 49 * 60_000)
      const before = new Set(driver.open)
      expect(before.size).toBe(2)
      driver.send('redraw')
      expect(before.has(currentPort(driver.state).port)).toBe(false)
      expect(driver.open.has(currentPort(driver.state).port)).toBe(true)
    }
  })

  it('announces the next epoch anew after a redraw within the notice', () => {
    const driver = started('noticed')
    driver.toWake()
    const old = plannedSchedule(driver.state)[2]
    driver.log.length = 0
    driver.send('redraw')
    const next = plannedSchedule(driver.state)[2]
    expect(next?.port).not.toBe(old?.port)
    expect(driver.log.find(({ type }) => type === 'notice')).toMatchObject({ ...next })
    expect(driver.open.has(old?.port ?? 0)).toBe(true)
  })

  it('keeps its promises under random inputs', () => {
    for (let seed = 0; seed < 40; seed++) {
      const options = seed % 4 === 0 ? { ...OPTIONS, lastPort: OPTIONS.firstPort + 40 } : OPTIONS
      const driver = new Driver(`fuzz ${seed}`, options)
      const dice = seeded(`dice ${seed}`)
      const roll = (below: number): number => ((dice(2)[0] ?? 0) * 256 + (dice(2)[1] ?? 0)) % below
      driver.taken = () => roll(10) === 0
      driver.start()
      for (let at = 0; at < 120; at++) {
        driver.answering = roll(4) !== 0
        const kind = roll(8)
        if (kind < 3 && driver.wakeAtMs !== null) driver.at(driver.wakeAtMs)
        else if (kind === 3) driver.send(options === OPTIONS && roll(2) === 0 ? 'redraw' : 'rotate')
        else if (kind === 4) driver.at(driver.nowMs + roll(40) * HOUR)
        else if (kind === 5) driver.at(driver.nowMs - roll(40) * HOUR)
        else driver.at(driver.nowMs + roll(600) * 1000)
        driver.answering = true
        driver.answerAll()
        driver.check()
      }
    }
  })
})

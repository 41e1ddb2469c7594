// What a host makes of its own addresses (SPEC §4.3): when one look after the other is a change worth telling.
import { expect, test } from 'vitest'
import { compareAddresses, knownAddresses, parseIp } from '../../host/addresses.ts'
import type { HostAddress } from '../../shared/record.ts'

const at = (...texts: string[]): HostAddress[] =>
  texts.map((text) => ({ kind: 4, flags: 1, externalPort: 0, ip: parseIp(text) }))
const HOME = at('192.168.1.5')
const PHONE = at('10.4.4.4')

/** @returns at which looks, one a second, a change was told */
function told(looks: readonly (readonly HostAddress[])[]): number[] {
  let known = knownAddresses(HOME)
  return looks.flatMap((found, second) => {
    const next = compareAddresses(known, found, second * 1000)
    known = next.known
    return next.changed ? [second] : []
  })
}

test('another address, one more, one less, or another order is told once', () => {
  expect(told([HOME, HOME, PHONE, PHONE])).toEqual([2])
  expect(told([[...HOME, ...PHONE], [...PHONE, ...HOME], PHONE, PHONE])).toEqual([0, 1, 2])
})

test('none at all is told to nobody; that it is back is, also if nothing has changed', () => {
  expect(told([[], [], HOME, HOME])).toEqual([2])
  expect(told([[], [], PHONE, PHONE])).toEqual([2])
})

test('a network that comes and goes all the time is told three times in half a minute, and its last state in the end', () => {
  const flapping = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? PHONE : HOME))
  const seconds = told([...flapping, ...Array.from({ length: 40 }, () => PHONE)])
  expect(seconds.length).toBeLessThanOrEqual(10)
  for (const second of seconds)
    expect(seconds.filter((other) => other >= second && other < second + 30).length).toBeLessThan(4)
  expect(seconds.at(-1)).toBeGreaterThanOrEqual(60)
})

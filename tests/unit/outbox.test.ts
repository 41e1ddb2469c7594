// RESUME from the sender's side (SPEC §6.2): what is kept, under which numbers, and what counts as acknowledged.
import { describe, expect, test } from 'vitest'
import { settleOutbox } from '../../shared/outbox.ts'

const id = (n: number): Uint8Array => new Uint8Array(16).fill(n)
const waiting = (...numbers: number[]) => numbers.map((number) => ({ number, id: id(number) }))
const numbers = (entries: readonly { readonly number: number; readonly id: Uint8Array }[]) =>
  entries.map((entry) => [entry.number, entry.id[0]])

describe('settling an outbox', () => {
  test('what the peer stored is acknowledged, the rest keeps its numbers', () => {
    const { kept, acknowledged } = settleOutbox(waiting(4, 5, 6), 6, 5, id(5))
    expect(numbers(kept)).toEqual([[6, 6]])
    expect(numbers(acknowledged)).toEqual([
      [4, 4],
      [5, 5],
    ])
  })

  test('all acknowledged before: nothing changes', () => {
    expect(settleOutbox([], 6, 6, id(6))).toEqual({
      kept: [],
      acknowledged: [],
      forgotten: false,
      forked: false,
    })
  })

  test('the peer forgot some (restored backup): what waits follows its last number', () => {
    const { kept, acknowledged, forgotten } = settleOutbox(waiting(9, 10), 10, 3, id(3))
    expect(forgotten).toBe(true)
    expect(settleOutbox([], 10, 9, id(9)).forgotten).toBe(true)
    expect(settleOutbox(waiting(9, 10), 10, 8, id(8)).forgotten).toBe(false)
    expect(numbers(kept)).toEqual([
      [4, 9],
      [5, 10],
    ])
    expect(acknowledged).toEqual([])
  })

  test('another event under a number that still waits: nothing is acknowledged, all is sent again', () => {
    const { kept, acknowledged, forgotten } = settleOutbox(waiting(4, 5), 5, 4, id(99))
    expect(forgotten).toBe(true)
    expect(numbers(kept)).toEqual([
      [5, 4],
      [6, 5],
    ])
    expect(acknowledged).toEqual([])
  })

  test('a number that was never given out is a fork too', () => {
    const { kept, acknowledged, forgotten } = settleOutbox(waiting(1), 1, 7, id(7))
    expect(forgotten).toBe(false)
    expect(numbers(kept)).toEqual([[8, 1]])
    expect(acknowledged).toEqual([])
  })
})

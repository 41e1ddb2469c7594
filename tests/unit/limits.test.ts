// Limits of a session (SPEC §6.4), at the limit and one over, from both ends.
import { describe, expect, test } from 'vitest'
import { INBOX_BYTES, INBOX_FRAMES, WINDOW_BYTES, WINDOW_EVENTS } from '../../shared/constants.ts'
import { Inbox, SendWindow } from '../../shared/window.ts'

describe('the window of events', () => {
  test('is full at its number of events, and opens with each acknowledgement', () => {
    const window = new SendWindow(40)
    for (let i = 1; i <= WINDOW_EVENTS; i++) {
      expect(window.open).toBe(true)
      window.sent(40 + i, 10)
    }
    expect(window.open).toBe(false)
    window.acknowledged(41)
    expect(window.open).toBe(true)
    window.sent(41 + WINDOW_EVENTS, 10)
    expect(window.open).toBe(false)
    window.acknowledged(41)
    expect(window.open).toBe(false)
  })

  test('is full once its bytes are reached, however few events; one large event always fits', () => {
    const window = new SendWindow(0)
    window.sent(1, WINDOW_BYTES - 1)
    expect(window.open).toBe(true)
    window.sent(2, WINDOW_BYTES)
    expect(window.open).toBe(false)
    window.acknowledged(1)
    expect(window.open).toBe(false)
    window.acknowledged(2)
    expect(window.open).toBe(true)
    expect(window.sentUpTo).toBe(2)
  })

  test('an acknowledgement of what was never sent is refused, and changes nothing', () => {
    const window = new SendWindow(7)
    window.sent(8, 1)
    expect(() => window.acknowledged(9)).toThrow('frame-invalid')
    window.acknowledged(8)
    expect(window.sentUpTo).toBe(8)
  })
})

describe('what lies unhandled', () => {
  test('is limited in frames', () => {
    const inbox = new Inbox()
    for (let i = 0; i < INBOX_FRAMES; i++) inbox.take(1)
    inbox.handled(1)
    inbox.take(1)
    expect(() => inbox.take(1)).toThrow('frame-invalid')
  })

  test('is limited in bytes', () => {
    const inbox = new Inbox()
    inbox.take(INBOX_BYTES)
    inbox.handled(INBOX_BYTES)
    inbox.take(INBOX_BYTES)
    expect(() => inbox.take(1)).toThrow('frame-invalid')
  })
})

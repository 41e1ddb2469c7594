// "People and devices": who is in and by which browsers, links for others and for further devices, and how somebody goes.
import { useEffect, useRef } from 'preact/hooks'
import type { DeviceInfo, Member } from '../model.ts'
import { linkName, roomWords } from '../room.ts'
import { WORDS } from '../words.ts'
import type { ViewProps } from './App.tsx'
import { Avatar, toneOf } from './Avatar.tsx'
import { Dialog, when } from './dialogs.tsx'
import { InviteForm } from './InviteForm.tsx'
import { LinkCard } from './LinkCard.tsx'
import { Profile } from './Profile.tsx'
import { Renamed } from './Renamed.tsx'
import { reveal } from './reveal.ts'
import { Sure } from './Sure.tsx'

export function PeopleDialog({ state, engine, onClose }: ViewProps & { onClose: () => void }) {
  const { members, invites, asked, me } = state
  const owner = members.find(({ id }) => id === me)?.role === 'owner'
  const connected = state.connection.state === 'connected'
  const busy = asked?.status === 'running' || !connected
  const close = (): void => {
    engine.ask.dismiss()
    onClose()
  }
  // What is said of this very browser stands behind the dialog.
  useEffect(() => {
    if (state.error === 'removed') onClose()
  }, [state.error])
  return (
    <Dialog name="People and devices" onClose={close}>
      {!connected && (
        <p class="missing" role="note">
          <strong>The host is not connected.</strong> Changes need it; the list is as of last time.
        </p>
      )}
      <Outcome state={state} engine={engine} />
      <ul class="people">
        {members
          .filter(({ gone }) => !gone)
          .map((member) => (
            <Person key={member.id} {...{ state, engine, member, owner, busy }} />
          ))}
      </ul>
      {owner && <InviteForm engine={engine} rooms={state.rooms} busy={busy} />}
      {invites.length > 0 && <h3>Open links</h3>}
      <ul class="devices">
        {invites.map((invite) => (
          <li key={invite.id}>
            <span>
              {linkName(invite, members)}
              <small>
                {invite.used} of {invite.uses} used, until {when(invite.expiresAtMs)}
              </small>
            </span>
            <button
              type="button"
              class="quiet small"
              disabled={busy}
              aria-label={`Withdraw the ${linkName(invite, members)}`}
              onClick={() => engine.ask.withdraw(invite.id)}
            >
              Withdraw
            </button>
          </li>
        ))}
      </ul>
      <label class="choice">
        <input
          type="checkbox"
          checked={state.receipts}
          onChange={({ currentTarget: { checked } }) => engine.talk.shareReceipts(checked)}
        />
        Others see how far I have read
      </label>
    </Dialog>
  )
}

/** What became of the last request, said where it was made. */
function Outcome({ state, engine }: ViewProps) {
  const { asked } = state
  const box = useRef<HTMLDivElement>(null)
  // What was pressed may stand far below.
  useEffect(() => {
    if (asked !== null && asked.link === null) reveal(box.current)
  }, [asked?.status, asked?.code, asked?.id])
  if (asked === null) return <div aria-live="polite" ref={box} />
  const { status, code, link, removal } = asked
  return (
    <div aria-live="polite" ref={box}>
      {status === 'running' && <p class="banner">The host is at it…</p>}
      {status === 'failed' && code !== null && (
        <p class="missing" role="alert" data-code={code}>
          <strong>{WORDS[code].what}</strong> {WORDS[code].why}{' '}
          {(code === 'credentials-full' && roomWords(state)) || WORDS[code].next}
        </p>
      )}
      {link !== null && (
        <LinkCard
          link={link}
          uses={state.invites.find(({ id }) => id === link.invite)?.uses ?? 1}
          onDone={() => engine.ask.dismiss()}
        />
      )}
      {removal !== null && (
        <p class="missing" role="note">
          <strong>Removed.</strong> It is disconnected and gets in no more.
          {removal.links > 0 && ' Links that it had made or come by have stopped working.'}
          {removal.waiting.length > 0 &&
            ` ${removal.waiting.join(', ')} still shows the old address; the host goes on trying.`}
        </p>
      )}
    </div>
  )
}

/** Whether a member is here, or since when it is not; nothing of one that hides it. */
function seenWords({ online, lastSeenMs }: Member): string {
  if (online) return ', here'
  return lastSeenMs === 0 ? '' : `, last here ${when(lastSeenMs)}`
}

interface PersonProps extends ViewProps {
  readonly member: Member
  readonly owner: boolean
  readonly busy: boolean
}

function Person({ state, engine, member, owner, busy }: PersonProps) {
  const mine = member.id === state.me
  const devices = state.devices.filter((device) => device.member === member.id)
  const last = devices.length === 1
  return (
    <li>
      <div class="person">
        <Avatar name={member.name} tone={toneOf(member.id, state.members)} />
        <Renamed
          name={member.name}
          label={mine ? 'Your name' : `Name of ${member.name}`}
          mayRename={(owner || mine) && !busy}
          onRename={(name) => engine.ask.renameMember(member.id, name)}
        />
        <small>
          {member.role}
          {mine ? ', you' : seenWords(member)}
        </small>
      </div>
      {mine && <Profile engine={engine} member={member} busy={busy} />}
      <ul class="devices">
        {devices.map((device) => (
          <DeviceRow key={device.id} {...{ engine, device, busy, last, state }} />
        ))}
      </ul>
      <div class="row">
        {(mine || owner) && member.role !== 'guest' && member.role !== 'bot' && (
          <button
            type="button"
            class="quiet small"
            disabled={busy}
            aria-label={mine ? undefined : `Link for a device of ${member.name}`}
            onClick={() => engine.ask.addDevice(member.id)}
          >
            {mine ? 'Add a device of yours' : 'Link for a device'}
          </button>
        )}
        {owner && !mine && (
          <Sure
            label={`Remove ${member.name}`}
            words="Remove"
            question={`${member.name} and all their devices are disconnected at once and get in no more. What they wrote stays.`}
            disabled={busy}
            onSure={() => engine.ask.removeMember(member.id)}
          />
        )}
      </div>
    </li>
  )
}

function DeviceRow({
  engine,
  device,
  busy,
  last,
}: ViewProps & { device: DeviceInfo; busy: boolean; last: boolean }) {
  const { name, here, route, lastSeenMs, safetyCode } = device
  const seen = here ? 'this browser' : route === null ? when(lastSeenMs) : `here now, ${route}`
  return (
    <li>
      <details>
        <summary>
          <span>{name}</span> <small>{seen}</small>
        </summary>
        <Renamed
          name={name}
          label={`Name of the device ${name}`}
          mayRename={!busy}
          onRename={(next) => engine.ask.renameDevice(device.id, next)}
        />
        <p class="lead">
          Safety code. That device shows the same under “Security”, and the host with{' '}
          <code>clawchat members</code>.
        </p>
        <p class="code">
          {safetyCode.map((group, i) => (
            <span key={i}>{` ${group} `}</span>
          ))}
        </p>
        <Sure
          label={here ? 'Remove this browser' : `Remove ${name}`}
          question={
            here
              ? 'This browser is disconnected at once; to come back it needs a new link.'
              : `It is disconnected at once and gets in no more, whoever has it.${last ? ' It is the last device: only a new link leads back.' : ''}`
          }
          disabled={busy}
          onSure={() => engine.ask.removeDevice(device.id)}
        />
      </details>
    </li>
  )
}

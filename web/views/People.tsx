// "People and devices": who is in and by which browsers, links for others and for further devices, and how somebody goes.
import { useEffect, useRef } from 'preact/hooks'
import { formatMoment, t } from '../language.ts'
import type { DeviceInfo, Member } from '../model.ts'
import { linkName, roomWords } from '../room.ts'
import { wordsOf } from '../words.ts'
import type { ViewProps } from './App.tsx'
import { Face } from './Avatar.tsx'
import { Dialog } from './Dialog.tsx'
import { InviteForm } from './InviteForm.tsx'
import { LinkCard } from './LinkCard.tsx'
import { Marked } from './Marked.tsx'
import { Profile } from './Profile.tsx'
import { Renamed } from './Renamed.tsx'
import { reveal } from './reveal.ts'
import { SafetyCode } from './SafetyCode.tsx'
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
    <Dialog name={t.people.title} onClose={close}>
      {!connected && (
        <p class="missing" role="note">
          <strong>{t.people.notConnected}</strong> {t.people.notConnectedWhy}
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
      {invites.length > 0 && <h3>{t.people.openLinks}</h3>}
      <ul class="devices">
        {invites.map((invite) => (
          <li key={invite.id}>
            <span>
              {linkName(invite, members)}
              <small>
                {t.people.used(invite.used, invite.uses, formatMoment(invite.expiresAtMs))}
              </small>
            </span>
            <button
              type="button"
              class="quiet small"
              disabled={busy}
              aria-label={t.people.withdrawThe(linkName(invite, members))}
              onClick={() => engine.ask.withdraw(invite.id)}
            >
              {t.people.withdraw}
            </button>
          </li>
        ))}
      </ul>
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
      {status === 'running' && <p class="banner">{t.people.atIt}</p>}
      {status === 'failed' && code !== null && (
        <p class="missing" role="alert" data-code={code}>
          <strong>{wordsOf(code).what}</strong> {wordsOf(code).why}{' '}
          {(code === 'credentials-full' && roomWords(state)) || wordsOf(code).next}
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
          <strong>{t.people.removed}</strong> {t.people.removedWhy}
          {removal.links > 0 && ` ${t.people.removedLinks}`}
          {removal.waiting.length > 0 && ` ${t.people.removedWaiting(removal.waiting)}`}
        </p>
      )}
    </div>
  )
}

/** Whether a member is here, or since when it is not; nothing of one that hides it. */
function seenWords({ online, lastSeenMs }: Member, role: string): string {
  if (online) return t.people.roleHere(role)
  return lastSeenMs === 0 ? role : t.people.roleLast(role, formatMoment(lastSeenMs))
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
  const role = t.people.roles[member.role]
  return (
    <li>
      <div class="person">
        <Face member={member} members={state.members} />
        <Renamed
          name={member.name}
          label={mine ? t.people.yourName : t.people.nameOf(member.name)}
          mayRename={(owner || mine) && !busy}
          onRename={(name) => engine.ask.renameMember(member.id, name)}
        />
        <small>{mine ? t.people.roleYou(role) : seenWords(member, role)}</small>
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
            aria-label={mine ? undefined : t.people.linkForDeviceOf(member.name)}
            onClick={() => engine.ask.addDevice(member.id)}
          >
            {mine ? t.people.addDevice : t.people.linkForDevice}
          </button>
        )}
        {owner && !mine && (
          <Sure
            label={t.people.removeWho(member.name)}
            words={t.people.remove}
            question={t.people.removeMember(member.name)}
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
  const away = route === null ? formatMoment(lastSeenMs) : t.people.hereBy(t.people.routes[route])
  const seen = here ? t.common.thisBrowser : away
  return (
    <li>
      <details>
        <summary>
          <span>{name}</span> <small>{seen}</small>
        </summary>
        <Renamed
          name={name}
          label={t.people.nameOfDevice(name)}
          mayRename={!busy}
          onRename={(next) => engine.ask.renameDevice(device.id, next)}
        />
        <p class="lead">
          <Marked text={t.people.deviceCode} />
        </p>
        <SafetyCode code={safetyCode} />
        <Sure
          label={here ? t.people.removeThis : t.people.removeWho(name)}
          question={
            here
              ? t.people.removeThisWhy
              : `${t.people.removeDeviceWhy}${last ? ` ${t.people.lastDevice}` : ''}`
          }
          disabled={busy}
          onSure={() => engine.ask.removeDevice(device.id)}
        />
      </details>
    </li>
  )
}

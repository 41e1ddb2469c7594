// "Notifications": what this browser tells somebody who does not look. Said before it asks for permission.
import { useEffect, useState } from 'preact/hooks'
import { t } from '../language.ts'
import type { Notifying, Telling } from '../model.ts'
import { wordsOf } from '../words.ts'
import type { ViewProps } from './App.tsx'
import { Dialog } from './Dialog.tsx'

const TELLINGS: readonly Telling[] = ['nothing', 'name', 'text']

export function NotificationsDialog({
  state,
  engine,
  onClose,
}: ViewProps & { onClose: () => void }) {
  const { notifications } = engine
  const [, repaint] = useState({})
  const change: Notifying['change'] = (what) => {
    notifications.change(what)
    repaint({})
  }
  const { settings, permission } = notifications
  const silence = (room: string, on: boolean): void => {
    const others = settings.muted.filter((each) => each !== room)
    change({ muted: on ? [...others, room] : others })
  }
  return (
    <Dialog name={t.notifications.title} onClose={onClose}>
      <p class="lead">{t.notifications.lead}</p>
      <Permission
        notifications={notifications}
        onAllow={() => void notifications.allow().then(() => repaint({}))}
        onChange={change}
      />
      {permission === 'granted' && settings.on && (
        <fieldset class="tells">
          <legend>{t.notifications.tells}</legend>
          {TELLINGS.map((telling) => (
            <label class="choice" key={telling}>
              <input
                type="radio"
                name="tells"
                checked={settings.tells === telling}
                onChange={() => change({ tells: telling })}
              />
              {t.notifications.telling[telling]}
            </label>
          ))}
        </fieldset>
      )}
      {permission === 'granted' && <PushChoice state={state} engine={engine} />}
      <label class="choice">
        <input
          type="checkbox"
          checked={settings.sound}
          onChange={({ currentTarget: { checked } }) => change({ sound: checked })}
        />
        {t.notifications.sound}
      </label>
      <h3>{t.notifications.mutedTitle}</h3>
      <p class="lead">{t.notifications.mutedLead}</p>
      {state.rooms.map(({ id, name }) => (
        <label class="choice" key={id}>
          <input
            type="checkbox"
            checked={settings.muted.includes(id)}
            onChange={({ currentTarget: { checked } }) => silence(id, checked)}
          />
          {t.notifications.mute(name)}
        </label>
      ))}
    </Dialog>
  )
}

function PushChoice({ state, engine }: ViewProps) {
  const { notifications } = engine
  const [, repaint] = useState({})
  useEffect(() => void notifications.look().then(() => repaint({})), [])
  const { push } = notifications
  const { asked, connection } = state
  const refusal = asked?.kind.startsWith('push-') === true ? asked.code : null
  if (push === 'unsupported') return null
  return (
    <>
      <label class="choice">
        <input
          type="checkbox"
          checked={push === 'on'}
          disabled={connection.state !== 'connected' || asked?.status === 'running'}
          onChange={({ currentTarget: { checked } }) => notifications.setPush(checked)}
        />
        {t.notifications.push}
      </label>
      <p class="lead">{t.notifications.pushLead}</p>
      <div aria-live="polite">
        {push === 'refused' && <p class="missing">{t.notifications.pushRefused}</p>}
        {refusal !== null && (
          <p class="missing" data-code={refusal}>
            {wordsOf(refusal).what} {wordsOf(refusal).next}
          </p>
        )}
      </div>
    </>
  )
}

function Permission(props: {
  readonly notifications: Notifying
  readonly onAllow: () => void
  readonly onChange: Notifying['change']
}) {
  const { settings, permission } = props.notifications
  switch (permission) {
    case 'unsupported':
    case 'denied':
      return (
        <p class="missing" role="note">
          {t.notifications[permission]}
        </p>
      )
    case 'default':
      return (
        <>
          <p class="lead">{t.notifications.before}</p>
          <button type="button" class="quiet" onClick={props.onAllow}>
            {t.notifications.allow}
          </button>
        </>
      )
    case 'granted':
      return (
        <label class="choice">
          <input
            type="checkbox"
            checked={settings.on}
            onChange={({ currentTarget: { checked } }) => props.onChange({ on: checked })}
          />
          {t.notifications.on}
        </label>
      )
  }
}

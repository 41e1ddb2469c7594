// Line icons of the chat.
import { Icon } from './Icon.tsx'

export const Shield = () => (
  <Icon>
    <path d="M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6l7-3z" />
    <path d="M9 12l2 2 4-4" />
  </Icon>
)
export const Route = () => (
  <Icon>
    <path d="M4 12h4l2-6 4 12 2-6h4" />
  </Icon>
)
export const Mic = () => (
  <Icon>
    <path d="M12 3a3 3 0 013 3v5a3 3 0 01-6 0V6a3 3 0 013-3zM6 11a6 6 0 0012 0M12 17v4" />
  </Icon>
)
export const Stop = () => (
  <Icon>
    <path d="M7 7h10v10H7z" fill="currentColor" />
  </Icon>
)
export const Clip = () => (
  <Icon>
    <path d="M20 11l-8.500 8.500a5 5 0 01-7-7L13 4a3.300 3.300 0 014.700 4.700L9 17.300a1.700 1.700 0 01-2.400-2.400L14 7.500" />
  </Icon>
)
export const Back = () => (
  <Icon>
    <path d="M15 5l-7 7 7 7" />
  </Icon>
)
export const Send = () => (
  <Icon>
    <path d="M4 20l17-8L4 4l2.500 7L14 12l-7.500 1z" fill="currentColor" stroke-width="1" />
  </Icon>
)
export const Clock = ({ label }: { label: string }) => (
  <Icon label={label}>
    <path d="M12 3a9 9 0 100 18 9 9 0 000-18zM12 7v5l3 2" />
  </Icon>
)
export const Tick = ({ label }: { label: string }) => (
  <Icon label={label}>
    <path d="M5 13l4 4L19 7" />
  </Icon>
)
export const Ticks = ({ label }: { label: string }) => (
  <Icon label={label}>
    <path d="M2 13l4 4L15 7M11 16l1 1L22 7" />
  </Icon>
)
export const Warn = ({ label }: { label: string }) => (
  <Icon label={label}>
    <path d="M12 4v10M12 19v.5" />
  </Icon>
)
export const More = () => (
  <Icon>
    <path d="M5 12v.01M12 12v.01M19 12v.01" stroke-width="3" />
  </Icon>
)
export const Plus = () => (
  <Icon>
    <path d="M12 5v14M5 12h14" />
  </Icon>
)
export const Cross = () => (
  <Icon>
    <path d="M6 6l12 12M18 6L6 18" />
  </Icon>
)
export const Speech = () => (
  <Icon>
    <path d="M4 5h16v11H10l-4 4v-4H4z" />
  </Icon>
)
export const Smile = () => (
  <Icon>
    <circle cx="12" cy="12" r="9" />
    <path d="M8.500 14.500c1 1.500 2.200 2 3.500 2s2.500-.5 3.500-2M9 9.500v.5M15 9.500v.5" />
  </Icon>
)
export const Down = () => (
  <Icon>
    <path d="M12 5v14M6 13l6 6 6-6" />
  </Icon>
)

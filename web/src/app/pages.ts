import { BoardIcon, ProblemsIcon, RecordsIcon, ReviewIcon, type Icon } from '../components/icons.tsx';

/** A page of an organization, as the navigation shows it. */
interface PageEntry {
  /** The last part of its address; under this name its view is remembered. */
  name: string;
  label: string;
  icon: Icon;
  /** Its address, below the code of the organization. */
  to: `/o/$code/${string}`;
}

/** What there is, in the order of the navigation. What does not exist yet is not in it. */
export const pages = [
  { name: 'board', label: 'Board', icon: BoardIcon, to: '/o/$code/board' },
  { name: 'records', label: 'Records', icon: RecordsIcon, to: '/o/$code/records' },
  { name: 'changes', label: 'Changes', icon: ReviewIcon, to: '/o/$code/changes' },
  { name: 'problems', label: 'Problems', icon: ProblemsIcon, to: '/o/$code/problems' },
] as const satisfies readonly PageEntry[];

import { BoardIcon, ProblemsIcon, RecordsIcon, ReviewIcon, type Icon } from '../components/icons.tsx';

/** A page of an organization in the navigation. */
interface PageEntry {
  /** The last part of its address, and the key of its remembered view. */
  name: string;
  label: string;
  icon: Icon;
  /** Its address, below the code of the organization. */
  to: `/o/$code/${string}`;
}

/** All pages, in the order of the navigation. */
export const pages = [
  { name: 'board', label: 'Board', icon: BoardIcon, to: '/o/$code/board' },
  { name: 'records', label: 'Records', icon: RecordsIcon, to: '/o/$code/records' },
  { name: 'changes', label: 'Changes', icon: ReviewIcon, to: '/o/$code/changes' },
  { name: 'problems', label: 'Problems', icon: ProblemsIcon, to: '/o/$code/problems' },
] as const satisfies readonly PageEntry[];

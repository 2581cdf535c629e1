import { Combobox, InputBase, Text, useCombobox } from '@mantine/core';
import { useNavigate, useRouterState } from '@tanstack/react-router';
import { useState } from 'react';
import { SelectorIcon } from '../components/icons.tsx';
import type { Organization } from './organization.tsx';
import classes from './OrganizationSwitcher.module.css';
import { pages } from './pages.ts';
import { rememberedSearch } from './rememberedView.ts';

interface Props {
  organizations: Organization[];
  current: Organization | undefined;
}

/** Switches to the same page of another organization, with its last view. */
export function OrganizationSwitcher({ organizations, current }: Props) {
  const navigate = useNavigate();
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const [search, setSearch] = useState('');
  const combobox = useCombobox({
    onDropdownClose: () => {
      combobox.resetSelectedOption();
      setSearch('');
    },
    onDropdownOpen: () => {
      combobox.focusSearchInput();
      combobox.selectActiveOption();
    },
  });
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const found = organizations.filter(({ code, name }) => {
    const text = `${code} ${name}`.toLocaleLowerCase();
    return words.every((word) => text.includes(word));
  });

  const go = (code: string) => {
    combobox.closeDropdown();
    const page = pages.find(({ name }) => path.split('/')[3] === name) ?? pages[0];
    void navigate({ to: page.to, params: { code }, search: rememberedSearch(code, page.name) });
  };

  return (
    <Combobox
      store={combobox}
      onOptionSubmit={go}
      width={320}
      position="bottom-start"
      shadow="md"
      // A landmark inside the header, for users who move from landmark to landmark.
      withinPortal={false}
    >
      <Combobox.Target targetType="button" withAriaAttributes={false}>
        <InputBase
          component="button"
          type="button"
          pointer
          size="xs"
          className={classes.button}
          aria-haspopup="dialog"
          aria-expanded={combobox.dropdownOpened}
          rightSection={<SelectorIcon size={14} />}
          rightSectionPointerEvents="none"
          onClick={() => combobox.toggleDropdown()}
        >
          {current ? (
            <span className={classes.current}>
              <span className="visually-hidden">Organization </span>
              <b>{current.code}</b>{' '}
              {current.name !== current.code && <span className={classes.currentName}>{current.name}</span>}
            </span>
          ) : (
            'Choose an organization'
          )}
        </InputBase>
      </Combobox.Target>
      <Combobox.Dropdown>
        <Combobox.Search
          value={search}
          onChange={({ currentTarget }) => {
            setSearch(currentTarget.value);
            combobox.selectFirstOption();
          }}
          placeholder="Search"
          aria-label="Search organizations"
        />
        <Combobox.Options aria-label="Organizations" className={classes.options}>
          {found.map(({ code, name, myRole }) => (
            <Combobox.Option
              key={code}
              value={code}
              active={code === current?.code}
              className={classes.option}
            >
              <span className={classes.code}>{code}</span>
              <span className={classes.optionName}>{name !== code && name}</span>
              {myRole === 'viewer' && <span className={classes.tag}>view only</span>}
            </Combobox.Option>
          ))}
          {found.length === 0 && <Combobox.Empty>No matching organizations</Combobox.Empty>}
        </Combobox.Options>
        {found.length > 0 && (
          <Combobox.Footer>
            <Text size="xs" c="dimmed" role="status">
              {found.length === organizations.length
                ? `${organizations.length} ${organizations.length === 1 ? 'organization' : 'organizations'}`
                : `${found.length} of ${organizations.length}`}
            </Text>
          </Combobox.Footer>
        )}
      </Combobox.Dropdown>
    </Combobox>
  );
}

/** The tenants of this PEMS: they share records and credentials, and each has its own dialect. */
import { dialects, type Dialect, type DialectName, type YearFormat } from './dialects.ts';
import { Display, type DateFormat } from './values.ts';

/** A tenant with its dialect and the settings of all tenants. */
export interface Tenant extends Dialect {
  readonly dialect: DialectName;
  readonly yearFormat: YearFormat;
  /** Form of values if LOCALIZE_RESULT is "false", and in filters. */
  readonly plain: Display;
  /** Form of values otherwise. */
  readonly localized: Display;
}

export interface TenantSettings {
  readonly dateFormat: DateFormat;
  readonly yearFormat: YearFormat;
  /** Undefined: the dialect decides. */
  readonly checksRecordId: boolean | undefined;
}

export class Tenants {
  private readonly byName = new Map<string, Tenant>();
  private readonly settings: TenantSettings;
  private readonly standard: string;

  /** `dialects` by the name of the tenant; `standard` is the tenant of requests that name none. */
  constructor(standard: string, named: Readonly<Record<string, DialectName>>, settings: TenantSettings) {
    this.standard = standard;
    this.settings = settings;
    for (const [tenant, dialect] of Object.entries(named)) this.speak(tenant, dialect);
  }

  get(tenant: string): Tenant | undefined {
    return this.byName.get(tenant);
  }

  get first(): Tenant {
    return this.byName.get(this.standard) ?? this.make('official');
  }

  /** Dialect of each tenant. */
  get dialects(): Record<string, DialectName> {
    return Object.fromEntries([...this.byName].map(([name, { dialect }]) => [name, dialect]));
  }

  /** Changes the dialect of a tenant; a new name creates a tenant. */
  speak(tenant: string, dialect: DialectName): void {
    this.byName.set(tenant, this.make(dialect));
  }

  private make(name: DialectName): Tenant {
    const dialect = dialects[name];
    const { dateFormat, yearFormat, checksRecordId } = this.settings;
    return {
      ...dialect,
      dialect: name,
      yearFormat,
      checksRecordId: checksRecordId ?? dialect.checksRecordId,
      plain: new Display(dateFormat, { ...dialect, language: 'en' }),
      localized: new Display(localizedFormat(dateFormat, dialect), dialect),
    };
  }
}

/** Languages other than English write the day before the month. */
function localizedFormat(format: DateFormat, { language }: Dialect): DateFormat {
  return language !== 'en' && format === 'MM/DD/YYYY' ? 'DD/MM/YYYY' : format;
}

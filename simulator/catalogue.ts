/** Data of an invented company: organizations, categories and classes of equipment, manufacturers and areas. */

export interface SimulatedOrganization {
  readonly code: string;
  readonly name: string;
  /** Number of records to generate. */
  readonly size: number;
}

/** The 28 organizations served by default. RIO2 is included because a prefix filter for RIO also returns it. */
export const simulatedOrganizations: readonly SimulatedOrganization[] = [
  { code: 'HOLNG', name: 'Holcombe LNG Terminal', size: 20280 },
  { code: 'RIO', name: 'Rio Bravo LNG Trains 1-3', size: 7420 },
  { code: 'RIO2', name: 'Rio Bravo LNG Train 4', size: 1260 },
  { code: 'PORTARTHUR', name: 'Port Arthur Expansion', size: 6150 },
  { code: 'PEMS_Global', name: 'PEMS Global Fleet', size: 940 },
  { code: 'SABINE', name: 'Sabine Crossing Liquefaction', size: 2310 },
  { code: 'CALCASIEU', name: 'Calcasieu Export Facility', size: 1980 },
  { code: 'FREEPORT', name: 'Freeport Train 5', size: 1740 },
  { code: 'CORPUS', name: 'Corpus Stage 4', size: 2120 },
  { code: 'BAYTOWN', name: 'Baytown Olefins', size: 1580 },
  { code: 'GEISMAR', name: 'Geismar Ammonia', size: 870 },
  { code: 'LAKECHAS', name: 'Lake Charles Methanol', size: 1090 },
  { code: 'KITIMAT', name: 'Kitimat Marine Terminal', size: 1430 },
  { code: 'QATARNF', name: 'North Field Utilities', size: 2050 },
  { code: 'MOZAFUNGI', name: 'Afungi Onshore', size: 1360 },
  { code: 'TANGGUH', name: 'Tangguh Train 4', size: 760 },
  { code: 'GLADSTONE', name: 'Gladstone Turnaround', size: 540 },
  { code: 'DARWIN', name: 'Darwin Life Extension', size: 480 },
  { code: 'YAMBURG', name: 'Yamburg Compression', size: 390 },
  { code: 'SAOPAULO', name: 'São Paulo Refinery Revamp', size: 820 },
  { code: 'MONTREAL', name: 'Montréal Est Hydrogen', size: 610 },
  { code: 'ANTWERP', name: 'Antwerp Cracker', size: 700 },
  { code: 'TEESSIDE', name: 'Teesside Carbon Capture', size: 450 },
  { code: 'SHANGHAI', name: 'Shanghai 上海 Module Yard', size: 1150 },
  { code: 'ULSAN', name: 'Ulsan Fabrication', size: 520 },
  { code: 'RASLAFFAN', name: 'Ras Laffan Sulphur', size: 680 },
  { code: 'DUQM', name: 'Duqm Tank Farm', size: 330 },
  { code: 'HQ_TOOLS', name: 'Head Office Tool Pool', size: 120 },
];

const catalogue: readonly (readonly [category: string, rate: number, classes: string])[] = [
  [
    'CRANES - CRAWLER',
    42000,
    'Crawler 80T|Crawler 150T|Crawler 250T|Crawler 300T|Crawler 600T|Crawler 1250T',
  ],
  [
    'CRANES - MOBILE',
    21000,
    'Rough Terrain 30T|Rough Terrain 60T|Rough Terrain 90T|All Terrain 130T|Truck Crane 40T|Carry Deck 15T',
  ],
  [
    'CRANES - TOWER',
    26000,
    'Hammerhead 10T|Hammerhead 20T|Luffing 16T|Luffing 32T|Self Erecting 4T|Derrick 8T',
  ],
  [
    'AERIAL LIFTS',
    3200,
    'Boom Lift 45FT|Boom Lift 60FT|Boom Lift 80FT|Boom Lift 125FT|Scissor Lift 26FT|Scissor Lift 40FT',
  ],
  ['FORKLIFTS', 3900, 'Telehandler 8K|Telehandler 10K|Telehandler 12K|Warehouse 5K|Yard 15K|Yard 30K'],
  ['EARTHMOVING', 9800, 'Dozer D6|Dozer D8|Excavator 20T|Excavator 36T|Wheel Loader 4YD|Motor Grader 14FT'],
  [
    'COMPACTION',
    4100,
    'Padfoot Roller 84IN|Smooth Roller 66IN|Smooth Roller 84IN|Plate Compactor|Rammer|Pneumatic Roller',
  ],
  ['TRUCKS', 2900, 'Pickup 1/2T|Pickup 3/4T|Crew Cab 1T|Flatbed 26K|Water Truck 4000G|Fuel/Lube Truck'],
  ['HEAVY HAUL', 16500, 'Tractor 6x4|Lowboy 50T|Lowboy 85T|SPMT 4 Line|SPMT 6 Line|Dolly Set'],
  [
    'GENERATORS',
    5200,
    'Generator 25KW|Generator 56KW|Generator 100KW|Generator 200KW|Generator 500KW|Generator 1MW',
  ],
  [
    'LIGHTING',
    850,
    'Light Tower LED 4|Light Tower LED 6|Light Tower Hybrid|Balloon Light|String Lights|Hazardous Area Light',
  ],
  [
    'AIR COMPRESSORS',
    3600,
    'Compressor 185CFM|Compressor 375CFM|Compressor 750CFM|Compressor 900CFM|Compressor 1600CFM|Air Dryer',
  ],
  ['WELDING', 1100, 'Welder 300A|Welder 400A Diesel|Six Pack|Orbital Head|Induction Heater|Rod Oven'],
  [
    'PUMPS',
    1900,
    'Trash Pump 4IN|Trash Pump 6IN|Dewatering 8IN|Hydrotest Pump|Wellpoint Set|Submersible 3IN',
  ],
  ['CONCRETE', 7400, 'Boom Pump 36M|Boom Pump 52M|Line Pump|Power Trowel|Batch Plant 60M3|Placing Boom'],
  [
    'SCAFFOLD & ACCESS',
    2400,
    'Frame Set|Ringlock Set|Stair Tower|Rack and Pinion Hoist|Swing Stage|Mast Climber',
  ],
  [
    'SITE FACILITIES',
    1700,
    'Office Trailer 12x60|Lunch Trailer|Restroom Trailer|Container 20FT|Container 40FT|Blast Resistant Module',
  ],
  [
    'RIGGING',
    1300,
    'Spreader Bar 100T|Shackle Set 55T|Sling Set|Chain Hoist 10T|Hydraulic Gantry 400T|Jack and Slide 200T',
  ],
  ['SURVEY & TEST', 1500, 'Total Station|GNSS Rover|Laser Scanner|Torque Set|Hi-Pot Tester|Megger'],
  [
    'ENVIRONMENTAL',
    2200,
    'Dust Suppression|Frac Tank 500BBL|Oil Boom 300M|Air Monitor|Vacuum Truck|Spill Kit "L"',
  ],
];

export interface EquipmentClass {
  readonly name: string;
  /** A typical monthly rate in USD. */
  readonly rate: number;
}

/** The 20 categories, with 6 classes each. */
export const categories: readonly { readonly name: string; readonly classes: readonly EquipmentClass[] }[] =
  catalogue.map(([name, rate, classes]) => ({
    name,
    // Most categories list their classes from small to large: rates rise with the position.
    classes: classes.split('|').map((cls, i) => ({ name: cls, rate: Math.round(rate * (0.55 + 0.2 * i)) })),
  }));

/**
 * Manufacturers and models, with the characters that break careless parsers: accents, CJK, quotes, backslash, leading
 * `=`.
 */
export const manufacturers: readonly (readonly [maker: string, models: readonly string[]])[] = [
  ['Liebherr', ['LR 1300', 'LTM 1130-5.1', 'LR 1600/2']],
  ['Manitowoc', ['MLC 300', '16000', '18000']],
  ['Caterpillar', ['D6T', '336F', '140M3', 'XQ200']],
  ['Potain – Groupe Manitowoc (Écully)', ['MDT 219', 'MR 295 "Luffing"']],
  ['三一重工 SANY', ['SCC1000A', '履带起重机 260吨']],
  ['中联重科 Zoomlion', ['ZTC800R', 'ZAT1500']],
  ['Müller & Söhne', ['Typ Ü-12', 'Größe 3']],
  ["O'Brien Rentals", ["Crew's Choice", 'OB\\45']],
  ['=ACME+Industrial', ['=1+1', '+55 Turbo', '@Lift 60']],
  ['JLG', ['600S', '1250AJP', '3246ES']],
  ['Genie', ['S-65', 'Z-80/60', 'GS-4069']],
  ['Atlas Copco', ['QAS 200', 'XATS 900E', 'HiLight H6+']],
  ['Doosan 두산', ['DX360LC', 'P185']],
  ['Wacker Neuson', ['LTV6', 'RTx-SC3']],
];

/** Areas of a site. The generator chooses them unevenly, the silos most often. */
export const areas: readonly string[] = [
  ...Array.from({ length: 12 }, (_, i) => `Silo ${i + 1}`),
  'Marine Jetty',
  'Área Norte',
  'Utilities/Off-sites',
  'Tank Farm',
];

/** Free text for a field that no mapping has. */
export const notes: readonly string[] = [
  'Vendor confirmed by phone',
  '🏗️ on hold until permit, see email',
  'path C:\\quotes\\2026\\"final".xlsx',
  '=SUM(A1:A9)',
  'livré à l’entrée nº 3, contact: José Núñez',
  '设备已到场 – 待验收',
  'line one\nline two\twith a tab',
  "it's 50% off; {not json} [at all], <b>no html</b>",
  '😀👷‍♀️ ok',
];

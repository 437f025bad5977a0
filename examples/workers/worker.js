// A platform's worker: makes a backup, shows that it restores, restores it. Safe to run again with the same arguments.
//
// usage: node worker.js HOST PORT USER KEY-FILE KNOWN-HOSTS SERVICE CREATED      (CREATED: 2026-04-08T14:30:00Z)
'use strict';
const fs = require('fs');
const { Client } = require('ssh2');

const [host, port, user, keyFile, knownHosts, service, created] = process.argv.slice(2);

class Failed extends Error {
  constructor(code, error) {
    super(`${error.kind ?? code}: ${error.message ?? ''}`);
    Object.assign(this, { code, error });
  }
}

/** Runs `dokku WORDS --format json`, without a terminal: the answer, or the error that stands last on stderr. */
function run(client, ...words) {
  return new Promise((resolve, reject) => {
    client.exec([...words, '--format', 'json'].join(' '), (failure, stream) => {
      if (failure) return reject(failure);
      const out = [], err = [];
      stream.on('data', (piece) => out.push(piece));
      stream.stderr.on('data', (piece) => err.push(piece));
      stream.on('close', (code) => {
        if (code === 0) return resolve(JSON.parse(Buffer.concat(out)));
        const last = Buffer.concat(err).toString().trim().split('\n').pop();
        reject(new Failed(code, last.startsWith('{') ? JSON.parse(last).error : {}));
      });
    });
  });
}

/** One time names one backup: what was delivered twice is made once. */
async function create(client) {
  try {
    return await run(client, 'backups:export', service, '--at', created, '--wait', '600');
  } catch (failed) {
    if (failed.code === 9 && failed.error.backup?.status === 'success') return failed.error.backup;
    throw failed;
  }
}

/** Only the key that stands in the file is the host's. */
function isKnown(key) {
  return fs.readFileSync(knownHosts, 'utf8').split(/\s+/).includes(key.toString('base64'));
}

async function main(client) {
  const backup = await create(client);
  console.log('made', backup.id);
  console.log('again', (await create(client)).id);
  await run(client, 'backups:verify', service, '--id', backup.id);
  const listed = await run(client, 'backups:list', service, '--trust', 'restorable', '--limit', '1');
  console.log('restorable', listed.backups[0].id, 'of', listed.total);
  const restored = await run(client, 'backups:import', service, '--id', backup.id, '--force');
  console.log('restored; before that there was', restored.restores.at(-1).safety_backup);
  await run(client, 'backups:info', service, '--id', `${service}-1999-01-01-00-00-00`).catch((failed) => {
    console.log('not there:', failed.code, failed.error.kind);
  });
}

const client = new Client();
client.on('ready', () => main(client).catch((failed) => { console.error(String(failed)); process.exitCode = 1; }).finally(() => client.end()));
client.on('error', (failure) => { console.error(String(failure)); process.exitCode = 255; });
client.connect({ host, port: Number(port), username: user, privateKey: fs.readFileSync(keyFile), hostVerifier: isKnown });

// The whole story of a number: balance, number, wait, code, finish; then one that is given back.
// node story.js URL KEY
const assert = require('assert')
const SMSActivate = require('sms-activate')

const [url, key] = process.argv.slice(2)
const USA = 187

function client (apiKey) {
  const sms = new SMSActivate(apiKey)
  sms.session.defaults.baseURL = url
  return sms
}

async function codeOf (sms, id) {
  for (let look = 0; look < 60; look++) {
    const code = await sms.getCode(id)
    if (code) return code
    await new Promise(resolve => setTimeout(resolve, 500))
  }
  throw new Error('no code came')
}

async function story () {
  const sms = client(key)
  const before = await sms.getBalance()
  assert(before > 0)
  console.log('balance, whole dollars:', before)

  const { id, number } = await sms.getNumber('wa', USA)
  assert.match(String(number), /^1\d{10}$/)
  console.log('number:', id, number)
  assert.strictEqual(await sms.setStatus(id, 1), 'ACCESS_READY')
  assert.strictEqual(await sms.getStatus(id), 'STATUS_WAIT_CODE')

  const code = await codeOf(sms, id)
  assert.match(code, /^\d+$/)
  console.log('code:', code)
  assert.strictEqual(await sms.setStatus(id, 6), 'ACCESS_ACTIVATION')
  console.log('finished')

  assert((await sms.getBalance(true)) <= before)
  await assert.rejects(sms.getNumber('wa', 0), { message: 'No free numbers' })
  await assert.rejects(sms.getNumber('no such service', USA), { message: 'Bad serivce' })
  await assert.rejects(sms.getStatus(999999), { message: 'Invalid activation id' })
  await assert.rejects(client('nobody').getBalance(), { message: 'Invalid API Key' })
  console.log('refusals understood')
}

story().catch(error => {
  console.error(error)
  process.exit(1)
})

// A monthly budget for the resource group, with mails at 80 % and when 100 % is forecast.
@description('Amount a month.')
param amount int
@description('First day of the first month.')
param startDate string
@description('Whom to mail.')
param email string

resource budget 'Microsoft.Consumption/budgets@2023-11-01' = {
  name: 'monthly'
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: { startDate: startDate }
    notifications: {
      actual80: { enabled: true, operator: 'GreaterThanOrEqualTo', threshold: 80, thresholdType: 'Actual', contactEmails: empty(email) ? [] : [email], contactRoles: ['Owner'] }
      forecast100: { enabled: true, operator: 'GreaterThanOrEqualTo', threshold: 100, thresholdType: 'Forecasted', contactEmails: empty(email) ? [] : [email], contactRoles: ['Owner'] }
    }
  }
}

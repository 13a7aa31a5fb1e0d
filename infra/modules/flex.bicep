// The function app on Flex Consumption: scales each function by itself, and to zero.
@description('Name of the plan.')
param planName string
@description('Name of the app.')
@maxLength(32)
param appName string
@description('Region.')
param location string
@description('Tags.')
param tags object
@description('Resource id of the app\'s identity.')
param identityId string
@description('Settings that every plan has.')
param settings object
@description('Address of the container that the package is deployed from.')
param deploymentContainerUrl string
@description('Instances of score that always run.')
param alwaysReadyInstances int
@description('Most instances of a function.')
param maximumInstances int
@description('Memory of an instance in MB.')
param instanceMemoryMB int
@description('Spread over availability zones.')
param zoneRedundant bool
@description('The app\'s subnet; empty without a virtual network.')
param subnetId string
@description('Workspace for diagnostics.')
param workspaceId string
@description('Storage account that the app\'s logs are archived to.')
param archiveStorageId string

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: appName
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUrl
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstances
        instanceMemoryMB: instanceMemoryMB
        alwaysReady: alwaysReadyInstances > 0 ? [{ name: 'function:score', instanceCount: alwaysReadyInstances }] : []
      }
      runtime: { name: 'custom', version: '1.0' }
    }
    siteConfig: {
      http20Enabled: true
      ftpsState: 'Disabled'
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      healthCheckPath: '/api/health'
    }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = { name: 'ftp', properties: { allow: false } }
  resource scm 'basicPublishingCredentialsPolicies' = { name: 'scm', properties: { allow: false } }
  resource appSettings 'config' = { name: 'appsettings', properties: settings }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace-and-archive'
  scope: app
  properties: {
    workspaceId: workspaceId
    storageAccountId: archiveStorageId
    logs: [{ category: 'FunctionAppLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

@description('Resource id of the app.')
output id string = app.id
@description('Address of the app.')
output url string = 'https://${app.properties.defaultHostName}'

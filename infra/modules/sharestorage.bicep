// The file share of mode contentShare. Azure Files knows no identity here: the one account of the whole system that has a key.
@description('Name of the account.')
@maxLength(24)
param name string
@description('Region.')
param location string
@description('Tags.')
param tags object
@description('Keep copies in several availability zones.')
param zoneRedundant bool
@description('Name of the share, that of the app.')
param shareName string
@description('Whether the account can be reached from outside the virtual network.')
param publicNetworkAccess bool

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS' }
  properties: {
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    allowSharedKeyAccess: true
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
    networkAcls: { defaultAction: publicNetworkAccess ? 'Allow' : 'Deny', bypass: 'AzureServices' }
  }

  resource files 'fileServices' = {
    name: 'default'

    resource share 'shares' = { name: shareName, properties: { shareQuota: 16 } }
  }
}

@description('Resource id.')
output id string = account.id
@description('Name.')
output name string = account.name

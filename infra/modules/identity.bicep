// A user-assigned identity: its roles and its database user exist before the app starts.
@description('Name of the identity.')
param name string
@description('Region.')
param location string
@description('Tags.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('Resource id.')
output id string = identity.id
@description('Name.')
output name string = identity.name
@description('Object id, which roles are assigned to.')
output principalId string = identity.properties.principalId
@description('Client id, by which code chooses the identity.')
output clientId string = identity.properties.clientId

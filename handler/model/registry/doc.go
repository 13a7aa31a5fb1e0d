// Package registry keeps the ledger's registry of models: what the container
// models has, in which versions, and what is known of each version's content.
//
// Nobody registers a model. [Registry.Refresh], which the tick calls, lists the
// container and compares names and ETags with what is registered. A version that is
// new is read once where its name does not say enough: a file that lies where a
// sensor's model does is that sensor's, whatever is in it. What is learned of the
// others decides which devices they serve and which sensors they take.
//
// Which job is served by which model is then a matter of the ledger alone
// ([fleet.Assign]): a job asks storage for nothing but a model that it has not
// in memory, in the version that is registered. If that version is gone,
// [Registry.Renew] registers the present one.
package registry
